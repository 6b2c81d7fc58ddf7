"""Names, places and words of the held-back generator, which the other one does not have.

Italy, the Netherlands, Sweden, Portugal, Türkiye, India, Czechia, Ireland.
"""

from __future__ import annotations

from typing import NamedTuple


def _split(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(";")]


class Land(NamedTuple):
    """A country of the held-back generator.

    Args:
        names: its names and codes as lists write them.
        calling: telephone prefix.
        trunk: what is dialled within the country before a number of mobile telephones or of a fixed line.
        mobile, line: such numbers, # for any digit.
        given: first names, women's and then men's.
        families: surnames.
        roads: streets with {} for the number of the house.
        towns: postcode, and town; the postcode's notation is the country's.
        forms: legal forms, one notation of each after the other.
    """

    names: list[str]
    calling: str
    trunk: str
    mobile: str
    line: str
    given: tuple[list[str], list[str]]
    families: list[str]
    roads: list[str]
    towns: list[list[str]]
    forms: list[list[str]]


def _land(names: str, calling: str, numbers: str, women: str, men: str, families: str, *rest: str) -> Land:
    roads, towns, forms = rest
    trunk, mobile, line = numbers.split(";")
    return Land(
        _split(names),
        calling,
        trunk,
        mobile,
        line,
        (_split(women), _split(men)),
        _split(families),
        _split(roads),
        [town.split("|") for town in _split(towns)],
        [form.split("|") for form in _split(forms)],
    )


LANDS = (
    _land(
        "Italia; Italy; IT; ITA",
        "39",
        ";3#########;02########",
        """Giulia; Francesca; Chiara; Valentina; Giovanna; Annunziata; Ludovica; Mariagrazia; Rosalba; Donatella;
        Beatrice; Ginevra; Carlotta; Loredana; Antonella; Paola""",
        """Giuseppe; Giovanni; Salvatore; Vincenzo; Domenico; Gianluca; Pierluigi; Massimiliano; Raffaele; Ettore;
        Niccolò; Calogero; Gaetano; Leonardo; Dario; Emanuele""",
        """Rossi; Ferrari; Esposito; Bianchi; Colombo; Ricci; Marino; Greco; De Luca; Di Stefano; D'Angelo; Lo Presti;
        Santoro; Caruso; Ferrara; Galli; Conti; Mancini; Barbieri; Fontana; Testa; Pellegrini; Palumbo; Sartori""",
        """Via Garibaldi {}; Via Roma {}; Corso Italia {}; Piazza Dante {}; Viale Europa {}; Via dei Mille {}; Vicolo
        Stretto {}""",
        """20121|Milano; 10122|Torino; 40121|Bologna; 50122|Firenze; 80133|Napoli; 35121|Padova; 34121|Trieste;
        09124|Cagliari""",
        "S.p.A.|SPA|Spa; S.r.l.|SRL|Srl; S.n.c.|SNC",
    ),
    _land(
        "Nederland; Netherlands; NL; The Netherlands",
        "31",
        "0;6########;20#######",
        """Femke; Marijke; Saskia; Anouk; Lotte; Geertje; Hendrika; Wilhelmina; Maaike; Sanne; Tineke; Roos; Fenna;
        Joke; Mieke; Liesbeth""",
        """Jeroen; Willem; Pieter; Sander; Bas; Cornelis; Hendrik; Joost; Maarten; Ruben; Thijs; Wouter; Gijsbert;
        Dirk; Koen; Floris""",
        """de Jong; Jansen; de Vries; van den Berg; van Dijk; Bakker; Janssen; Visser; Smit; Meijer; de Boer; Mulder;
        de Groot; Bos; Vos; Peters; Hendriks; van Leeuwen; Dekker; Brouwer; van der Meer; Kuipers; IJzerman;
        Zijlstra""",
        """Dorpsstraat {}; Kerkstraat {}; Molenweg {}; Prinsengracht {}; Julianalaan {}; Stationsplein {};
        Wilhelminakade {}""",
        """1012 AB|Amsterdam; 3511 LX|Utrecht; 9711 NX|Groningen; 6211 LK|Maastricht; 5211 JV|'s-Hertogenbosch; 2611
        GE|Delft""",
        "B.V.|BV|Besloten Vennootschap; N.V.|NV; V.O.F.|VOF",
    ),
    _land(
        "Sverige; Sweden; SE; SWE",
        "46",
        "0;70#######;8#######",
        """Astrid; Birgitta; Elsa; Gunilla; Ingegerd; Kerstin; Linnéa; Märta; Siv; Ulla; Åsa; Ebba; Saga; Tuva; Malin;
        Annika""",
        """Anders; Björn; Erik; Gunnar; Håkan; Lars-Erik; Magnus; Nils; Olof; Per-Olof; Staffan; Sven; Torbjörn; Åke;
        Viktor; Rasmus""",
        """Andersson; Johansson; Karlsson; Nilsson; Eriksson; Larsson; Olsson; Persson; Svensson; Gustafsson;
        Lindström; Åkesson; Sjöberg; Bergström; Hellström; Nyström; Öberg; Ekström; Blomqvist; Söderlund; Wallin;
        Hägglund""",
        "Storgatan {}; Drottninggatan {}; Kungsvägen {}; Skolgatan {}; Björkvägen {}; Hamngatan {}; Tallstigen {}",
        "111 22|Stockholm; 411 03|Göteborg; 211 19|Malmö; 753 20|Uppsala; 582 22|Linköping; 701 35|Örebro; 903 26|Umeå",
        "AB|Aktiebolag; HB|Handelsbolag; KB|Kommanditbolag",
    ),
    _land(
        "Portugal; PT; PRT",
        "351",
        ";91#######;21#######",
        """Beatriz; Catarina; Inês; Joana; Leonor; Mafalda; Margarida; Matilde; Rita; Conceição; Graça; Fátima; Lurdes;
        Filipa; Benedita; Iolanda""",
        """Afonso; Duarte; Gonçalo; Henrique; João; Luís; Nuno; Paulo; Rui; Sérgio; Tiago; Vasco; Zeferino; Joaquim;
        Simão; Telmo""",
        """Silva Santos; Ferreira; Pereira; Oliveira Costa; Rodrigues; Martins; Sousa; Gonçalves; Marques Pinto;
        Almeida; Ribeiro; Carvalho Nunes; Teixeira; Moreira; Correia; Mendes; Araújo; Fonseca; Magalhães; Simões""",
        """Rua Augusta, n.º {}; Avenida da Liberdade {}; Travessa do Carmo {}; Largo da Sé {}; Rua das Flores {};
        Estrada da Luz {}""",
        """1100-048|Lisboa; 4000-322|Porto; 3000-213|Coimbra; 4700-030|Braga; 8000-076|Faro; 3810-064|Aveiro;
        7000-508|Évora""",
        "Lda.|LDA|Limitada; S.A.|SA; Unipessoal Lda|Unip. Lda",
    ),
    _land(
        "Türkiye; Turkey; TR; TUR",
        "90",
        "0;532#######;212#######",
        """Ayşe; Fatma; Emine; Hatice; Zeynep; Elif; Şule; Gülşen; Özlem; Çiğdem; Nilüfer; Defne; Aslı; Sibel; Meltem;
        Işıl""",
        """Mehmet; Mustafa; Ahmet; Ali Rıza; Hüseyin; İbrahim; Ömer; Yusuf; Murat; Çağrı; Görkem; Tuğrul; Emre; Kerem;
        Ufuk; Doğan""",
        """Yılmaz; Kaya; Demir; Çelik; Şahin; Yıldız; Yıldırım; Öztürk; Aydın; Özdemir; Arslan; Doğan; Kılıç; Aslan;
        Çetin; Kara; Koç; Kurt; Özkan; Şimşek; Polat; Erdoğdu""",
        """Atatürk Cad. No:{}; İstiklal Cad. {}; Cumhuriyet Bulvarı No: {}; Gazi Sok. {}; Bağdat Cad. {}; Lale Sok.
        No:{}""",
        "34430|İstanbul; 06420|Ankara; 35210|İzmir; 16010|Bursa; 07100|Antalya; 42090|Konya; 26130|Eskişehir",
        "A.Ş.|AS|Anonim Şirketi; Ltd. Şti.|LTD STI|Limited Şirketi",
    ),
    _land(
        "India; IN; IND; Bharat",
        "91",
        "0;98########;80########",
        """Ananya; Deepika; Kavitha; Lakshmi; Meenakshi; Nandini; Padmavathi; Radhika; Saraswati; Sunita; Vaishnavi;
        Asha; Pooja; Shreya; Jyoti; Usha""",
        """Aravind; Balasubramaniam; Chandrasekhar; Dinesh; Ganesh; Harish; Karthik; Mohammed; Narayanan; Prakash;
        Rajesh; Ramakrishnan; Sanjay; Subramanian; Venkatesh; Vikram""",
        """Sharma; Iyer; Reddy; Nair; Gupta; Banerjee; Mukherjee; Chatterjee; Rao; Deshpande; Kulkarni; Pillai; Menon;
        Singh; Choudhury; Srinivasan; Agarwal; Joshi; Bhattacharya; Naidu; Hegde; Shetty""",
        """{}, M.G. Road; {}, Nehru Nagar; Plot No. {}, Sector 5; {}/B Gandhi Marg; Flat {}, Lotus Towers; {}, Anna
        Salai""",
        """560001|Bengaluru; 600002|Chennai; 400001|Mumbai; 110001|New Delhi; 700016|Kolkata; 500003|Hyderabad;
        411004|Pune; 682011|Kochi""",
        "Pvt. Ltd.|Private Limited|P Ltd; Ltd.|Limited; LLP|L.L.P.",
    ),
    _land(
        "Česko; Czech Republic; CZ; Czechia",
        "420",
        ";60#######;2########",
        """Alžběta; Božena; Dagmar; Eliška; Jitka; Kateřina; Lenka; Ludmila; Markéta; Růžena; Šárka; Tereza; Věra;
        Zdeňka; Žaneta; Jindřiška""",
        """Bohumil; Čeněk; Dušan; František; Jaroslav; Jiří; Květoslav; Ladislav; Luboš; Miroslav; Ondřej; Přemysl;
        Radovan; Stanislav; Václav; Zdeněk""",
        """Novák; Svoboda; Novotný; Dvořák; Černý; Procházka; Kučera; Veselý; Horák; Němec; Pokorný; Pospíšil; Hájek;
        Jelínek; Král; Růžička; Beneš; Fiala; Sedláček; Doležal; Zeman; Kolář""",
        "Husova {}; Na Příkopě {}; Palackého třída {}; nám. Míru {}; Nádražní {}; Komenského {}; U Mlýna {}",
        """110 00|Praha 1; 602 00|Brno; 702 00|Ostrava; 301 00|Plzeň; 370 01|České Budějovice; 779 00|Olomouc;
        460 01|Liberec""",
        "s.r.o.|spol. s r.o.|S.R.O.; a.s.|akciová společnost; v.o.s.|VOS",
    ),
    _land(
        "Ireland; Éire; IE; IRL",
        "353",
        "0;86#######;1#######",
        """Aoife; Bríd; Caoimhe; Deirdre; Éabha; Gráinne; Maeve; Niamh; Nuala; Orla; Róisín; Saoirse; Sinéad; Siobhán;
        Una; Bláthnaid""",
        """Aidan; Brendan; Cathal; Conor; Cormac; Declan; Diarmuid; Eoin; Fergus; Kieran; Lorcan; Oisín; Pádraig;
        Ruairí; Seán; Tadhg""",
        """O'Sullivan; Ó Briain; McCarthy; Byrne; Ryan; O'Connell; Walsh; Kavanagh; Doyle; McLoughlin; Gallagher;
        O'Doherty; Kennedy; Lynch; Quinn; McGrath; Fitzgerald; Nolan; Dunne; Brennan; Ní Dhomhnaill; Keogh""",
        """{} O'Connell Street; {} Patrick Street; {} Main Street Lower; Unit {} Harbour Business Park; {} St. Anne's
        Terrace""",
        """D01 F5P2|Dublin 1; T12 W8KR|Cork; H91 E9YD|Galway; V94 T28R|Limerick; X91 P3HN|Waterford;
        R95 A4VK|Kilkenny""",
        "Limited|Ltd.|Teoranta; DAC|Designated Activity Company; plc|Public Limited Company",
    ),
)

SHORT_NAMES = dict(
    part.split("=")
    for part in _split(
        """Giuseppe=Beppe; Giovanni=Gianni; Salvatore=Totò; Vincenzo=Enzo; Domenico=Mimmo; Massimiliano=Max;
        Raffaele=Lello; Emanuele=Lele; Francesca=Franca; Valentina=Vale; Antonella=Anto; Ludovica=Ludo; Willem=Wim;
        Cornelis=Kees; Hendrik=Henk; Hendrika=Riek; Wilhelmina=Willy; Pieter=Piet; Gijsbert=Gijs; Birgitta=Gittan;
        Kerstin=Kicki; Torbjörn=Tobbe; Magnus=Mange; Lars-Erik=Lasse; Per-Olof=PO; João=Joca; Joaquim=Quim;
        Margarida=Guida; Conceição=São; Henrique=Rique; Fatma=Fatoş; Mustafa=Musti; İbrahim=İbo;
        Balasubramaniam=Bala; Chandrasekhar=Chandru; Ramakrishnan=Ramki; Subramanian=Mani; Venkatesh=Venky;
        Lakshmi=Lachu; Kateřina=Katka; Alžběta=Běta; František=Franta; Jaroslav=Jarda; Ladislav=Láďa;
        Miroslav=Mirek; Stanislav=Standa; Václav=Vašek; Božena=Boža; Pádraig=Paddy; Brendan=Bren; Siobhán=Shiv;
        Deirdre=Dee; Diarmuid=Derm"""
    )
)

PROVIDERS = _split(
    "libero.it; ziggo.nl; telia.com; sapo.pt; mynet.com; rediffmail.com; seznam.cz; eircom.net; proton.me"
)

HOUSES = _split(
    """Vega; Lupo; Nuvola; Ponte; Tulip; Windmolen; Fjäll; Norr; Atlântico; Caravela; Anadolu; Bosphorus; Ganga;
    Himalaya; Vltava; Morava; Shannon; Liffey; Celtic; Meridiana; Saffron; Indigo; Opal; Amber; Basalt; Corvus;
    Drakkar; Fenix; Gaia; Helios; Krona; Lynx; Mosaik; Nadir; Onyx; Pergola; Quasar; Rubicon; Safir; Tempo; Umbra;
    Viola; Xylon; Zephyr"""
)
CRAFTS = {
    "Costruzioni": "Costr.",
    "Trasporti": "Trasp.",
    "Techniek": "Techn.",
    "Bouw": "Bouw",
    "Åkeri": "Åkeri",
    "Verkstad": "Verkst.",
    "Cerâmica": "Cer.",
    "Tekstil": "Teks.",
    "Sanayi": "San.",
    "Infotech": "IT",
    "Industries": "Inds.",
    "Exports": "Exp.",
    "Strojírny": "Stroj.",
    "Potraviny": "Potr.",
    "Fisheries": "Fish.",
    "Joinery": "Join.",
    "Agencies": "Agcy",
    "International": "Intl",
}

GOODS: dict[str, list[str]] = {
    "olive oil extra virgin": ["250 ml", "500 ml", "1 l", "5 l"],
    "espresso beans": ["250 g", "500 g", "1 kg"],
    "printer toner": ["cyan", "magenta", "yellow", "black"],
    "bearing deep groove": ["6203 2RS", "6204 2RS", "6205 ZZ", "6205 2RS"],
    "running shoe": ["EU 40", "EU 41", "EU 42", "EU 43"],
    "wall paint matt white": ["2.5 l", "5 l", "10 l"],
    "garden hose 1/2 inch": ["15 m", "20 m", "50 m"],
    "thermos flask steel": ["0.5 l", "0.75 l", "1.0 l"],
    "notebook ruled": ["A5 80 sheets", "A4 80 sheets", "A4 160 sheets"],
    "microSD card": ["32 GB", "64 GB", "128 GB"],
    "bicycle tube": ['26"', '27.5"', '28"'],
    "disposable mask": ["box of 10", "box of 50"],
}
MAKERS = _split(
    """Lavazza; Bertolli; SKF; Gardena; Moleskine; Brother; Lexmark; Asics; Jotun; Schwalbe; SanDisk; Arçelik; Tescoma;
    Kores"""
)
DWELLINGS = _split("Appartamento; Villa; Attico; Rijtjeshuis; Lägenhet; Moradia; Cottage; Duplex; Penthouse")
BROKERS = _split(
    "Tecnocasa; Funda Partners; Fastighetsbyrån; Remax Lusa; Emlak Ofisi; Sherry & Daly; Bezrealitky; NoBroker"
)
