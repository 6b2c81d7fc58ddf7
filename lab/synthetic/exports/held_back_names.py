"""What six systems of the held-back generator call their columns, by domain and concept."""

from __future__ import annotations

from lab.synthetic.exports.making import lexicon

HELD_BACK_NAMES = {
    "contacts": lexicon(
        """
        concept | italian | dutch | swedish | portuguese | cloud | mainframe
        key | Cod. cliente | Relatienummer | kundnummer | n_cliente | Record ID | CUSTNUM
        company | Ragione sociale | Bedrijfsnaam | företag | nome_empresa | Company | NAME1
        salutat | Titolo | Aanhef | titel | tratamento | Salutation | -
        first | Nome | Voornaam | förnamn | primeiro_nome | First Name | FNAM
        last | Cognome | Achternaam | efternamn | apelido | Last Name | LNAM
        street | Indirizzo | Adresregel 1 | gatuadress | morada | Billing Street | STRAS
        postcode | CAP | Postcode | postnr | cod_postal | Billing Zip/Postal Code | PSTLZ
        city | Comune | Woonplaats | postort | localidade | Billing City | TOWN
        country | Nazione | Land | land | país | Billing Country | CTRYCD
        phone | Telefono fisso | Telefoonnummer | tfn | telefone | Business Phone | TELF1
        mobile | Cellulare | Mobiel | mobilnr | telemóvel | Mobile | TELMOB
        email | Posta elettronica | E-mailadres | e-post | correio_eletr | Email | SMTPADR
        born | Data di nascita | Geboortedatum | födelsedatum | data_nasc | Birthdate | BIRTHDT
        since | Cliente dal | Aangemaakt op | skapad | data_registo | Create Date | ERDAT
        revenue | Fatturato | Omzet | omsättning | volume_negocios | Annual Revenue | TURNOVER
        vat | Partita IVA | BTW-nummer | momsnr | NIF | Tax ID | VATREG
        active | Attivo | Actief | aktiv | ativo | Active? | ACTIND
        notes | Note | Opmerkingen | anteckning | observações | Notes | -
        website | Sito | Webadres | hemsida | pagina_web | Website URL | -
        sector | Settore | Sector | bransch | setor | Industry | BRSCH
        consent | - | Nieuwsbrief | - | - | Email Opt Out | -
        """
    ),
    "items": lexicon(
        """
        concept | italian | dutch | swedish | portuguese | cloud | mainframe
        key | Codice articolo | Artikelnummer | artikelnr | ref_artigo | Variant SKU | MATNR
        title | Denominazione | Omschrijving | benämning | designação | Title | MATDESC
        brand | Marca | Merk | varumärke | marca | Vendor | MFRNAM
        gtin | Codice a barre | Streepjescode | streckkod | cod_barras | Variant Barcode | EANUPC
        category | Categoria | Productgroep | varugrupp | categoria | Product Type | MATGRP
        unit | UdM | Eenheid | enhet | unid | Unit | UOM
        qty | Giacenza | Voorraad | lagersaldo | stock_atual | Variant Inventory Qty | ONHANDQT
        price | Prezzo listino | Verkoopprijs | pris | preço_venda | Variant Price | LISTPR
        cost | Prezzo acquisto | Inkoopprijs | inköpspris | preço_custo | Cost per item | STDCOST
        currency | Valuta | Valuta | valuta | moeda | Currency Code | WAERS
        weight | Peso kg | Gewicht | vikt | peso | Variant Grams | WGHT
        supplier | Fornitore | Leverancier | leverantör | fornecedor | Supplier | VENDNAM
        moved | Ultimo movimento | Laatste mutatie | senaste_rörelse | ult_mov | Updated At | LASTMVDT
        active | Attivo | Actief | aktiv | ativo | Published | ACTIND
        bin | Ubicazione | Locatie | lagerplats | localização | Bin | STGBIN
        minimum | Scorta minima | Minimumvoorraad | bestpunkt | stock_minimo | Low Stock Alert | -
        """
    ),
    "staff": lexicon(
        """
        concept | italian | dutch | swedish | portuguese | cloud | mainframe
        key | Matricola | Personeelsnr | anställningsnr | n_mecanografico | Worker ID | PERNR
        first | Nome | Roepnaam | förnamn | nome_proprio | Legal First Name | VORNA
        last | Cognome | Achternaam | efternamn | apelido | Legal Last Name | NACHN
        gender | Sesso | Geslacht | kön | género | Gender | GESCH
        born | Nato il | Geboortedatum | födelsedatum | data_nascimento | Date of Birth | GBDAT
        hired | Data assunzione | In dienst | anställd_från | data_admissao | Original Hire Date | HIREDT
        role | Mansione | Functie | befattning | funcao | Business Title | JOBTXT
        unit | Reparto | Afdeling | avdelning | departamento | Cost Center | ORGUNIT
        salary | Retribuzione | Brutoloon | lön | vencimento | Base Pay | BASESAL
        hours | Ore settimanali | Uren per week | timmar_vecka | horas_semanais | Scheduled Weekly Hours | WKHRS
        iban | Coordinate IBAN | Rekeningnummer | bankkonto | iban | Bank Account Number | BANKACC
        email | Email aziendale | Werkmail | e-post | email_trab | Work Email | SMTPADR
        phone | Interno | Telefoon | telefon | telefone | Work Phone | TELNR
        city | Residenza | Woonplaats | bostadsort | cidade | Home City | HOMETOWN
        postcode | CAP | Postcode | postnummer | cod_postal | Home Postal Code | PSTLZ
        country | Paese | Land | land | país | Home Country | CTRYCD
        manager | Responsabile | Leidinggevende | chef | - | Manager | -
        """
    ),
    "orders": lexicon(
        """
        concept | italian | dutch | swedish | portuguese | cloud | mainframe
        key | Nr. ordine | Ordernummer | ordernr | n_encomenda | Name | ORDNUM
        ordered | Data ordine | Besteldatum | orderdatum | data_encomenda | Created at | ORDDATE
        shipped | Data spedizione | Verzenddatum | leveransdatum | data_envio | Fulfilled at | SHPDATE
        customer | Cliente | Klant | kund | cliente | Billing Name | CUSTNAM
        email | Email | E-mailadres | epost | email | Email | SMTPADR
        city | Città | Plaats | ort | cidade | Shipping City | SHPTOWN
        postcode | CAP | Postcode | postnr | cod_postal | Shipping Zip | SHPPSTLZ
        country | Paese | Land | land | país | Shipping Country | SHPCTRY
        qty | Quantità | Aantal | antal | quantidade | Lineitem quantity | ORDQTY
        net | Imponibile | Bedrag excl. | netto | valor_liquido | Subtotal | NETAMT
        tax | IVA | BTW | moms | iva | Taxes | TAXAMT
        gross | Totale | Bedrag incl. | summa | total | Total | GRSAMT
        currency | Valuta | Munt | valuta | moeda | Currency | WAERS
        status | Stato | Toestand | status | estado | Fulfillment Status | STAT
        payment | Pagamento | Betaalwijze | betalsätt | forma_pagamento | Payment Method | PAYTYP
        remark | Note | Opmerking | meddelande | nota | Notes | -
        """
    ),
}
