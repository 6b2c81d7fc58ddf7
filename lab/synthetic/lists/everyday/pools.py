"""Names, places and words of the everyday generator: Germany, Austria, the United States, Britain, France, Spain."""

from __future__ import annotations

from dataclasses import dataclass


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(","))


@dataclass(frozen=True, slots=True)
class Place:
    """A town with its postcode and its telephone area code without the leading zero."""

    city: str
    postcode: str
    area: str


@dataclass(frozen=True, slots=True)
class Country:
    """What names and addresses of a country are made of.

    Args:
        code, name, english: ISO code, own name, English name.
        calling: the country's telephone prefix.
        trunk: what stands before an area code within the country.
        local: how many digits follow the area code.
        women, men, surnames, streets: names.
        places: towns.
        number_first: whether the number of a house stands before its street.
        legal: legal forms, written out and short.
    """

    code: str
    name: str
    english: str
    calling: str
    trunk: str
    local: int
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[Place, ...]
    number_first: bool
    legal: tuple[tuple[str, str], ...]


def _places(text: str) -> tuple[Place, ...]:
    return tuple(Place(*part.split("/")) for part in _listed(text))


_GERMAN_WOMEN = _listed(
    """Anna, Katharina, Elisabeth, Susanne, Monika, Petra, Claudia, Sabine, Gabriele, Christine, Julia, Sandra,
    Stefanie, Nicole, Melanie, Jana, Franziska, Theresa, Magdalena, Ulrike, Renate, Ingrid, Heike, Birgit, Käthe,
    Bärbel, Rosemarie, Annegret, Friederike, Johanna"""
)
_GERMAN_MEN = _listed(
    """Thomas, Michael, Andreas, Stefan, Wolfgang, Klaus, Jürgen, Günter, Hans-Peter, Karl-Heinz, Bernd, Uwe, Dieter,
    Matthias, Christian, Martin, Florian, Sebastian, Alexander, Tobias, Maximilian, Johannes, Friedrich, Joachim, Jörg,
    Björn, Sören, Götz, Ludwig, Konrad"""
)
COUNTRIES = (
    Country(
        code="DE",
        name="Deutschland",
        english="Germany",
        calling="49",
        trunk="0",
        local=7,
        women=_GERMAN_WOMEN,
        men=_GERMAN_MEN,
        surnames=_listed(
            """Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, Schäfer, Koch,
            Bauer, Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Braun, Krüger, Hofmann, Hartmann,
            Lange, Schmitt, Werner, Krause, Meier, Lehmann, Köhler, Maier, Jäger, Böhm, Weiß, Groß, Vogel, Sommer,
            Brandt, Haas, Engel, Winkler, Lorenz, Baumann, Kühn, Pfeiffer, Vogt, Stein, Ziegler, Roth"""
        ),
        streets=_listed(
            """Hauptstraße, Bahnhofstraße, Gartenstraße, Schillerstraße, Goethestraße, Lindenweg, Am Markt, Bergstraße,
            Kirchplatz, Mozartstraße, Rosenweg, Birkenallee, Ringstraße, Parkstraße, Waldweg, Mühlenstraße"""
        ),
        places=_places(
            """Köln/50667/221, München/80331/89, Düsseldorf/40210/211, Lübeck/23552/451, Nürnberg/90402/911,
            Saarbrücken/66111/681, Göttingen/37073/551, Münster/48143/251, Würzburg/97070/931, Bremen/28195/421,
            Leipzig/04109/341, Dresden/01067/351, Kassel/34117/561, Mainz/55116/6131"""
        ),
        number_first=False,
        legal=(
            ("Gesellschaft mit beschränkter Haftung", "GmbH"),
            ("Aktiengesellschaft", "AG"),
            ("GmbH & Co. KG", "KG"),
        ),
    ),
    Country(
        code="AT",
        name="Österreich",
        english="Austria",
        calling="43",
        trunk="0",
        local=7,
        women=_GERMAN_WOMEN,
        men=_GERMAN_MEN,
        surnames=_listed(
            """Gruber, Huber, Pichler, Steiner, Moser, Mayer, Leitner, Berger, Fuchs, Eder, Fischer, Schmid, Winkler,
            Weber, Schwarz, Maier, Schneider, Reiter, Mayr, Wimmer, Egger, Brunner, Lang, Baumgartner, Auer, Binder,
            Lechner, Wolf, Wallner, Aigner, Ebner, Koller, Lehner, Haas, Schuster, Heilig, Grünwald, Öllinger"""
        ),
        streets=_listed(
            """Mariahilfer Straße, Landstraße, Herrengasse, Kärntner Ring, Burggasse, Lerchenfelder Gürtel, Dorfplatz,
            Feldgasse, Wiener Straße, Schulgasse, Kirchengasse, Josefstädter Straße"""
        ),
        places=_places(
            """Wien/1010/1, Wien/1070/1, Graz/8010/316, Linz/4020/732, Salzburg/5020/662, Innsbruck/6020/512,
            Klagenfurt/9020/463, Sankt Pölten/3100/2742"""
        ),
        number_first=False,
        legal=(("Gesellschaft mit beschränkter Haftung", "GmbH"), ("Aktiengesellschaft", "AG")),
    ),
    Country(
        code="US",
        name="USA",
        english="United States",
        calling="1",
        trunk="",
        local=7,
        women=_listed(
            """Mary, Patricia, Jennifer, Elizabeth, Barbara, Susan, Jessica, Margaret, Sarah, Karen, Nancy, Betty,
            Sandra, Dorothy, Kimberly, Emily, Donna, Michelle, Carol, Amanda, Melissa, Deborah, Stephanie, Rebecca,
            Laura, Cynthia, Kathleen, Angela, Pamela, Katherine"""
        ),
        men=_listed(
            """James, Robert, John, Michael, William, David, Richard, Joseph, Thomas, Charles, Christopher, Daniel,
            Matthew, Anthony, Steven, Andrew, Kenneth, Joshua, Kevin, Edward, Ronald, Timothy, Jeffrey, Nicholas,
            Jonathan, Stephen, Benjamin, Samuel, Gregory, Alexander"""
        ),
        surnames=_listed(
            """Smith, Johnson, Williams, Brown, Jones, Miller, Davis, Wilson, Anderson, Thomas, Taylor, Moore, Jackson,
            Martin, Lee, Thompson, White, Harris, Clark, Lewis, Robinson, Walker, Young, Allen, King, Wright, Scott,
            Hill, Green, Adams, Nelson, Baker, Hall, Campbell, Mitchell, Carter, Roberts, Phillips, Evans, Turner,
            Parker, Collins, Edwards, Stewart, Morris, Murphy, Cook, Rogers, Morgan, Peterson"""
        ),
        streets=_listed(
            """Main Street, Oak Avenue, Maple Street, Cedar Lane, Washington Boulevard, Lake Drive, Hill Road, Park
            Avenue, Elm Street, Sunset Drive, Lincoln Avenue, Church Street, Highland Court, Mill Road, 2nd Street, 5th
            Avenue"""
        ),
        places=_places(
            """Springfield/62701/217, Portland/97201/503, Columbus/43215/614, Austin/78701/512, Denver/80202/303,
            Albany/12207/518, Madison/53703/608, Richmond/23219/804, Salem/97301/503, Dayton/45402/937,
            Tucson/85701/520, Omaha/68102/402"""
        ),
        number_first=True,
        legal=(("Incorporated", "Inc."), ("Corporation", "Corp."), ("Limited Liability Company", "LLC")),
    ),
    Country(
        code="GB",
        name="Great Britain",
        english="United Kingdom",
        calling="44",
        trunk="0",
        local=6,
        women=_listed(
            """Olivia, Amelia, Victoria, Charlotte, Eleanor, Harriet, Gillian, Jacqueline, Philippa, Alison, Heather,
            Hazel, Fiona, Joanne, Lesley, Penelope, Rosemary, Samantha, Tracey, Wendy, Catherine, Abigail, Beatrice"""
        ),
        men=_listed(
            """Oliver, Harry, George, Jack, Graham, Nigel, Trevor, Geoffrey, Stuart, Duncan, Alistair, Malcolm, Clive,
            Roderick, Simon, Adrian, Barry, Colin, Derek, Frederick, Gareth, Leonard, Nathaniel, Rupert"""
        ),
        surnames=_listed(
            """Taylor, Davies, Hughes, Wood, Hall, Thompson, Shaw, Bennett, Cox, Griffiths, Patel, Khan, Chapman,
            Mason, Webb, Knight, Barnes, Fletcher, Holmes, Palmer, Rowe, Pearce, Fairclough, Ashworth, Blackburn,
            Whitaker, Hargreaves, Ellison, MacDonald, McKenzie, O'Connor, Pemberton, Wilkinson, Thornton, Sutherland"""
        ),
        streets=_listed(
            """High Street, Station Road, Church Lane, Victoria Road, Manor Road, Queensway, Kings Road, Mill Lane, The
            Crescent, Albert Street, Grange Road, Orchard Close, Springfield Terrace, London Road"""
        ),
        places=_places(
            """Leeds/LS1 4AP/113, Bristol/BS1 5TR/117, York/YO1 7HH/1904, Norwich/NR2 1TF/1603, Exeter/EX1 1EE/1392,
            Cardiff/CF10 1BH/29, Dundee/DD1 3JT/1382, Reading/RG1 2AB/118, Derby/DE1 2QY/1332, Hull/HU1 2AA/1482"""
        ),
        number_first=True,
        legal=(("Limited", "Ltd"), ("Public Limited Company", "PLC")),
    ),
    Country(
        code="FR",
        name="France",
        english="France",
        calling="33",
        trunk="0",
        local=8,
        women=_listed(
            """Marie, Nathalie, Isabelle, Sylvie, Catherine, Françoise, Valérie, Christine, Monique, Sandrine,
            Véronique, Hélène, Céline, Anne-Sophie, Marie-Claire, Élodie, Aurélie, Chloé, Léa, Émilie, Geneviève,
            Brigitte"""
        ),
        men=_listed(
            """Jean, Pierre, Michel, Philippe, Alain, Nicolas, Christophe, Jean-Luc, Jean-Pierre, François, Frédéric,
            Stéphane, Sébastien, Olivier, Thierry, Gérard, Rémi, Étienne, Benoît, Guillaume, Jérôme, Bruno"""
        ),
        surnames=_listed(
            """Martin, Bernard, Dubois, Durand, Leroy, Moreau, Lefèvre, Lefebvre, Roux, Fournier, Girard, Bonnet,
            Dupont, Lambert, Fontaine, Rousseau, Vincent, Faure, André, Mercier, Blanc, Guérin, Boyer, Garnier,
            Chevalier, François, Legrand, Gauthier, Perrin, Robin, Clément, Morin, Mathieu, Bérenger, Lacroix"""
        ),
        streets=_listed(
            """rue de la Paix, rue Victor Hugo, avenue de la République, boulevard Gambetta, place du Marché, rue des
            Écoles, avenue Jean Jaurès, rue du Moulin, impasse des Lilas, allée des Tilleuls, rue Pasteur"""
        ),
        places=_places(
            """Lyon/69002/4, Lille/59000/3, Nantes/44000/2, Bordeaux/33000/5, Besançon/25000/3, Orléans/45000/2,
            Saint-Étienne/42000/4, Nîmes/30000/4, Rennes/35000/2, Dijon/21000/3"""
        ),
        number_first=True,
        legal=(("Société à responsabilité limitée", "SARL"), ("Société anonyme", "SA"), ("SAS", "S.A.S.")),
    ),
    Country(
        code="ES",
        name="España",
        english="Spain",
        calling="34",
        trunk="",
        local=6,
        women=_listed(
            """María, Carmen, Josefa, Isabel, Ana María, Dolores, Pilar, Teresa, Rosario, Cristina, Lucía, Marta,
            Concepción, Mercedes, Raquel, Silvia, Elena, Ángeles, Inés, Sofía"""
        ),
        men=_listed(
            """Antonio, Manuel, José, Francisco, David, Juan, José Luis, Javier, Daniel, Jesús, Carlos, Miguel Ángel,
            Rafael, Ángel, Fernando, Ramón, Íñigo, Álvaro, Andrés, Joaquín"""
        ),
        surnames=_listed(
            """García, González, Rodríguez, Fernández, López, Martínez, Sánchez, Pérez, Gómez, Martín, Jiménez, Ruiz,
            Hernández, Díaz, Moreno, Muñoz, Álvarez, Romero, Alonso, Gutiérrez, Navarro, Torres, Domínguez, Vázquez,
            Ramos, Gil, Ramírez, Serrano, Blanco, Núñez, Ibáñez, Peña"""
        ),
        streets=_listed(
            """Calle Mayor, Avenida de la Constitución, Calle del Sol, Plaza de España, Calle Real, Paseo del Prado,
            Calle San Juan, Calle Nueva, Avenida de Andalucía, Ronda de Toledo"""
        ),
        places=_places(
            """Málaga/29001/952, Córdoba/14001/957, Cádiz/11001/956, León/24001/987, Valencia/46001/963,
            Bilbao/48001/944, Logroño/26001/941, La Coruña/15001/981"""
        ),
        number_first=False,
        legal=(("Sociedad Limitada", "S.L."), ("Sociedad Anónima", "S.A.")),
    ),
)

NICKNAMES = {
    name: nicks.split("/")
    for name, nicks in (
        part.split(":")
        for part in _listed(
            """Thomas:Tom/Tommy, Michael:Mike/Michi, Robert:Bob/Rob, William:Bill/Will, Richard:Dick/Rick,
            Elizabeth:Liz/Beth, Margaret:Peggy/Maggie, Katherine:Kate/Kathy, Catherine:Cathy/Kate, Christopher:Chris,
            Christine:Chris/Christl, Christian:Chris, Alexander:Alex/Sascha, Andrew:Andy/Drew, Andreas:Andi,
            Matthew:Matt, Matthias:Hias/Matze, Steven:Steve, Stephen:Steve, Stefan:Steff, Stefanie:Steffi,
            Stephanie:Steph, Joseph:Joe, Edward:Ed/Ted, James:Jim/Jimmy, John:Jack/Johnny, Jennifer:Jenny, Susan:Sue,
            Susanne:Susi, Patricia:Pat/Trish, Jessica:Jess, Deborah:Debbie, Rebecca:Becky, Pamela:Pam, Kimberly:Kim,
            Benjamin:Ben, Samuel:Sam, Nicholas:Nick, Timothy:Tim, Gregory:Greg, Jonathan:Jon, Daniel:Dan/Danny,
            Kenneth:Ken, Ronald:Ron, Jeffrey:Jeff, Anthony:Tony, Katharina:Kathi, Elisabeth:Lisi/Sissi, Gabriele:Gabi,
            Wolfgang:Wolfi, Maximilian:Max, Sebastian:Basti, Johannes:Hannes, Friedrich:Fritz, Joachim:Achim,
            Hans-Peter:Hansi, Magdalena:Leni, Theresa:Resi, Franziska:Franzi, Philippa:Pippa, Penelope:Penny,
            Victoria:Vicky, Charlotte:Lottie, Eleanor:Ellie, Frederick:Fred, Leonard:Len, Geoffrey:Geoff,
            Jacqueline:Jackie, Samantha:Sam, Abigail:Abby, Nathaniel:Nat, Gérard:Gégé, Frédéric:Fred, Christophe:Chris,
            Nicolas:Nico, Sébastien:Seb, Isabelle:Isa, Véronique:Véro, Francisco:Paco, José:Pepe, Manuel:Manolo,
            Rafael:Rafa, Javier:Javi, Josefa:Pepa, Dolores:Lola, Concepción:Concha, Rosario:Charo,
            Mercedes:Merche"""
        )
    )
}

MAILBOXES = _listed("gmail.com, outlook.com, yahoo.com, gmx.net, web.de, orange.fr, hotmail.com, icloud.com")

FIRM_WORDS = _listed(
    """Nordlicht, Alpen, Rhein, Delta, Phoenix, Atlas, Merkur, Orion, Falcon, Summit, Pioneer, Harbor, Evergreen, Iron,
    Silver, Blue River, Crown, Liberty, Titan, Vertex, Quantum, Zenith, Lumière, Horizon, Aurora, Ibérica, Solaris,
    Cobalt, Granit, Panther, Castello, Tramontana, Marlin, Keystone, Redwood, Bluebird, Cascade, Ember, Halcyon,
    Juniper, Kestrel, Lodestar, Monarch, Obsidian, Pinnacle, Quarry, Ridgeway, Sterling, Tundra, Wolfram"""
)
FIRM_TRADES = _listed(
    """Maschinenbau, Logistik, Bau, Elektrotechnik, Consulting, Holding, Software, Pharma, Foods, Textiles,
    Engineering, Services, Logistics, Transport, Metallbau, Solutions, Constructions, Énergie, Alimentación, Seguros,
    Medical, Systems, Trading, Packaging, Plastics, Optics, Furniture, Printing"""
)
TRADE_SHORT = {
    "Maschinenbau": "MB",
    "Logistik": "Log.",
    "Engineering": "Eng.",
    "Services": "Svcs",
    "Logistics": "Log.",
    "Systems": "Sys.",
    "Transport": "Transp.",
    "Constructions": "Const.",
    "Consulting": "Cons.",
    "Elektrotechnik": "E-Technik",
    "Packaging": "Pkg",
    "Printing": "Print",
    "Solutions": "Sol.",
}

BRANDS = _listed(
    """Bosch, Makita, Hilti, Siemens, Philips, Osram, 3M, Tesa, Leitz, Stabilo, Fischer, Knipex, Wera, Gedore,
    Metabo, Festool, Stanley, DeWalt, Brennenstuhl, Hama"""
)
THINGS: dict[str, tuple[str, ...]] = {
    "cordless drill": ("12 V", "18 V", "18 V 4 Ah", "18 V 5 Ah"),
    "LED bulb E27": ("6 W", "9 W", "13 W", "100 W"),
    "hex bolt zinc": ("M6x30", "M8x40", "M8x60", "M10x40", "M10x80"),
    "cable tie black": ("100 mm", "200 mm", "300 mm"),
    "ring binder A4": ("50 mm blue", "50 mm red", "80 mm blue", "80 mm grey"),
    "extension lead": ("2 m", "3 m", "5 m", "10 m"),
    "combination pliers": ("160 mm", "180 mm", "200 mm"),
    "screwdriver": ("PH1", "PH2", "PZ2", "TX20", "TX25"),
    "packing tape brown": ("38 mm", "50 mm", "75 mm"),
    "work gloves": ("size 8", "size 9", "size 10", "size 11"),
    "safety glasses": ("clear", "tinted", "yellow"),
    "wall plug": ("6x30", "8x40", "10x50"),
    "angle grinder": ("115 mm", "125 mm", "230 mm"),
    "marker permanent": ("black", "red", "blue", "green"),
    "USB cable": ("A-C 1 m", "A-C 2 m", "C-C 1 m", "C-C 2 m"),
}
"""Things with the variants that are things of their own."""

HOMES = _listed("Apartment, House, Studio, Maisonette, Loft, Bungalow")
AGENTS = _listed("Immo Plus, Haus & Grund, Century Homes, Casa Bonita, Foncia, Keller Estates, First Street Realty")
