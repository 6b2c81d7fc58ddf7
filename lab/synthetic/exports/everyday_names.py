"""What five systems of the everyday generator call their columns, by domain and concept."""

from __future__ import annotations

from lab.synthetic.exports.making import lexicon

EVERYDAY_NAMES = {
    "contacts": lexicon(
        """
        concept | german | crm | french | spanish | short
        key | KDNR | ContactId | code_client | id_cliente | cust_no
        company | Firma | AccountName | societe | empresa | comp_nm
        salutat | Anrede | Salutation | civilite | tratamiento | sal
        first | Vorname | FirstName | prenom | nombre | fname
        last | Nachname | LastName | nom | apellidos | lname
        street | Straße | MailingStreet | adresse | direccion | addr1
        postcode | PLZ | PostalCode | code_postal | cp | zip
        city | Ort | City | ville | poblacion | cty
        country | Land | Country | pays | pais | ctry
        phone | Tel | Phone | telephone | telefono | tel_no
        mobile | Mobil | MobilePhone | portable | movil | mob
        email | E-Mail | EmailAddress | courriel | correo | eml
        born | Geb.-Datum | BirthDate | date_naissance | fecha_nac | dob
        since | Kunde_seit | CreatedDate | date_creation | fecha_alta | crt_dt
        revenue | Umsatz | AnnualRevenue | ca_annuel | facturacion | rev_amt
        vat | USt-IdNr | VatNumber | no_tva | cif | vat_no
        active | aktiv | IsActive | actif | activo | act_flg
        notes | Bemerkung | Description | remarques | observaciones | -
        website | Internet | Website | site_web | - | url
        sector | Branche | Industry | - | sector | ind_cd
        consent | - | OptIn | - | - | nl_flg
        """
    ),
    "items": lexicon(
        """
        concept | german | shop | french | spanish | short
        key | ArtNr | Sku | ref_article | cod_articulo | itm_no
        title | Bezeichnung | ProductName | libelle | descripcion | descr
        brand | Hersteller | Brand | marque | marca | mfr
        gtin | EAN | Barcode | code_barres | cod_barras | ean13
        category | Warengruppe | Category | famille | familia | cat
        unit | ME | UnitOfMeasure | unite | unidad | uom
        qty | Bestand | StockLevel | qte_stock | existencias | qty_oh
        price | VK_netto | UnitPrice | prix_ht | precio | net_prc
        cost | EK-Preis | - | prix_achat | coste | std_cst
        currency | Währung | Currency | devise | moneda | crncy
        weight | Gewicht | WeightKg | poids | peso | wt
        supplier | Lieferant | VendorName | fournisseur | proveedor | supp_nm
        moved | letzte_Buchung | LastMovement | dernier_mvt | ult_movimiento | last_mvmt
        active | gesperrt_nein | Active | actif | activo | act
        bin | Lagerplatz | ShelfLocation | emplacement | ubicacion | loc
        minimum | Mindestbestand | ReorderPoint | stock_mini | stock_min | min_qty
        """
    ),
    "staff": lexicon(
        """
        concept | german | hr | french | spanish | short
        key | PersNr | EmployeeId | matricule | num_empleado | emp_id
        first | Vorname | GivenName | prenom | nombre | f_name
        last | Familienname | FamilyName | nom_famille | apellido | l_name
        gender | Geschlecht | Gender | sexe | sexo | sex
        born | Geburtstag | DateOfBirth | ne_le | fecha_nacimiento | dob
        hired | Eintritt | HireDate | date_embauche | fecha_ingreso | hire_dt
        role | Funktion | JobTitle | poste | puesto | job_ttl
        unit | Abteilung | Department | service | departamento | dept
        salary | Gehalt | AnnualSalary | salaire_brut | salario | sal_amt
        hours | Wochenstunden | WeeklyHours | heures_semaine | horas_semana | hrs_wk
        iban | IBAN | BankAccount | compte_iban | cuenta_bancaria | acct_no
        email | Mail | WorkEmail | mel | email | email_addr
        phone | Durchwahl | WorkPhone | tel_bureau | tfno | ph_ext
        city | Wohnort | HomeCity | commune | localidad | city
        postcode | PLZ | HomeZip | cp | codigo_postal | pcode
        country | Nationalität | Country | pays | pais | cntry
        manager | - | Manager | responsable | - | mgr
        """
    ),
    "orders": lexicon(
        """
        concept | german | shop | french | spanish | short
        key | BelegNr | OrderNumber | no_commande | num_pedido | ord_no
        ordered | Bestelldatum | OrderDate | date_commande | fecha_pedido | ord_dt
        shipped | Lieferdatum | ShippedDate | date_livraison | fecha_envio | ship_dt
        customer | Kunde | CustomerName | client | cliente | cust
        email | E-Mail | CustomerEmail | email_client | correo | eml
        city | Lieferort | ShipCity | ville_livraison | ciudad | ship_cty
        postcode | Liefer-PLZ | ShipPostcode | cp_livraison | cod_postal | ship_zip
        country | Land | ShipCountry | pays | pais | ship_ctry
        qty | Menge | Quantity | qte | cantidad | qty
        net | Nettobetrag | Subtotal | montant_ht | importe_neto | net_amt
        tax | MwSt | TaxAmount | tva | iva | tax_amt
        gross | Bruttobetrag | GrandTotal | montant_ttc | total | tot_amt
        currency | Währung | Currency | devise | moneda | ccy
        status | Status | OrderStatus | etat | estado | stat
        payment | Zahlungsart | PaymentMethod | mode_paiement | forma_pago | pmt_typ
        remark | Hinweis | CustomerNote | commentaire | - | cmt
        """
    ),
}
