"""Two values of one kind compare by what they are, at a level, with a word for what was seen."""

from __future__ import annotations

import pytest

from dp_tools.profiling.comparisons import compare_names_of_people, compare_values

SEEN = [
    ("email", "Ann.Lee+news@Gmail.com", "annlee@googlemail.com", "normalised", "same mailbox"),
    ("email", "t.berger@wood.example", "thomas.berger@wood.example", "near", "same user in short"),
    ("email", "jsmith@wood.example", "john.smith@wood.example", "near", "same user in short"),
    ("email", "t.berger@wood.example", "c.berger@wood.example", "partial", "same domain, other user"),
    ("email", "ann.lee@gmail.com", "ann.lee@wood.example", "near", "same user elsewhere"),
    ("email", "ann77@gmail.com", "a.lee@wood.example", "silent", "private mailbox"),
    ("email", "steve.brown@gmail.com", "steven.brown@gmail.com", "contradicting", "other user"),
    ("email", "steve.brown@wood.example", "steven.brown@wood.example", "near", "same user in short"),
    ("email", "ann.lee@gmial.com", "ann.lee@gmail.com", "near", "near spelling"),
    ("email", "info@wood.example", "info@wood.example", "partial", "same office mailbox"),
    ("email", "noreply@example.com", "noreply@example.com", "silent", "not an address"),
    ("email", "ann@wood.example", "ann@stone.example", "contradicting", "other domain"),
    ("telephone", "+43 1 5550 2210", "01 55502210", "normalised", "same number"),
    ("telephone", "0043 1 55502210", "+43 (0)1 5550-2210", "normalised", "same number"),
    ("telephone", "+43 1 5550 2210", "+43 1 5550 2218", "partial", "same block of numbers"),
    ("telephone", "030 555010 ext. 12", "+49 30 555010 x13", "partial", "same switchboard, other extension"),
    ("telephone", "+43 1 5550 2210", "+43 1 5500 2210", "near", "a digit differs"),
    ("telephone", "+43 1 5S50 22I0", "+43 1 5550 2210", "normalised", "same number"),
    ("telephone", "999999999", "999999999", "silent", "not a number"),
    ("telephone", "+43 1 5550 2210", "+49 1 5550 2210", "contradicting", "other number"),
    ("person name", "Thomas Berger", "Berger, Thomas", "exact", "same"),
    ("person name", "J&#252;rgen Kr&#252;ger", "Jürgen Krüger", "exact", "same"),
    ("person name", "J³rgen Kr³ger", "Jürgen Krüger", "exact", "same"),
    ("person name", "J?rgen Krüger", "Jürgen Krüger", "near", "near spelling of the given name"),
    ("person name", "Katka Horák", "Kateřina Horák", "partial", "same surname, given names begin alike"),
    ("person name", "Liu Wei", "Wei Liu", "normalised", "same in another order"),
    ("person name", "Dr. Hans Müller", "Johannes Mueller", "near", "nickname"),
    ("person name", "Joe Kowalczyk", "Józef Kowalczyk", "near", "nickname"),
    ("person name", "Bill Gates", "William Gates", "near", "nickname"),
    ("person name", "J. Smith", "Jane Smith", "near", "initial"),
    ("person name", "Anne Moreau-Petit", "Anne Petit", "near", "more names on one side"),
    ("person name", "Anna Schmidt", "Anna Bauer", "partial", "same given name, other surname"),
    ("person name", "Жанна Иванова", "Zhanna Ivanova", "exact", "same"),
    ("person name", "MÃ¼ller, Jan", "Jan Müller", "exact", "same"),
    ("person name", "Mario Rossi", "Maria Rossi", "contradicting", "same surname and initial"),
    ("person name", "Alexandra Popa", "Alexandru Popa", "contradicting", "same surname and initial"),
    ("person name", "John Smith Jr.", "John Smith Sr.", "contradicting", "other generation"),
    ("person name", "John Smith", "John Smith Jr.", "near", "same, one with a generation"),
    ("person name", "José María Ruiz", "María José Ruiz", "contradicting", "given names in another order"),
    ("person name", "Ruiz José María", "José María Ruiz", "normalised", "same in another order"),
    ("person name", "Thomas Berger", "Christine Berger", "contradicting", "same surname, other given name"),
    ("company", "Müller & Söhne GmbH", "Mueller und Soehne GmbH", "normalised", "same"),
    ("company", "Delta Port SRL", "Delta Port", "normalised", "same but legal form"),
    ("company", "Trans Wisła Sp. z o.o.", "Trans-Wisla", "normalised", "same but legal form"),
    ("company", "ООО Ромашка", "Ромашка", "normalised", "same but legal form"),
    ("company", "川崎製鉄所 株式会社 (Kawasaki Steel)", "Kawasaki Steel K.K.", "near", "same in brackets"),
    ("company", "Harbour Designated Activity Company", "Harbour DAC", "normalised", "same"),
    ("company", "Rossi Società per Azioni", "Rossi S.p.A.", "normalised", "same"),
    ("company", "Linden Aktiebolag", "Linden", "normalised", "same but legal form"),
    ("company", "Nadir Oriyx Trading", "Nadir Onyx Trading", "near", "near spelling"),
    ("company", "Meyer AG", "Meyer GmbH", "partial", "same but other legal form"),
    ("company", "3M Office Distribution", "3M Office Distrib.", "near", "abbreviated"),
    ("company", "North Wind Paper", "Northwind Paper Co", "normalised", "same joined"),
    ("company", "IBM", "International Business Machines", "near", "initials"),
    ("company", "Bank of the West", "Bank of the East", "contradicting", "some words in common"),
    ("company", "Acme Inc", "Acme Rentals", "partial", "more words on one side"),
    ("street", "Industriestr. 5", "Industriestraße 5", "normalised", "same"),
    ("street", "12 N Foundry Rd", "12 North Foundry Road", "normalised", "same"),
    ("street", "ul. Mira 9", "Mira 9", "near", "near spelling"),
    ("street", "12 Foundry Rd Apt 4", "12 Foundry Road #5", "partial", "other unit"),
    ("street", "Foundry Road 12-3", "Foundry Rd 12 Apt 3", "normalised", "same"),
    ("street", "Foundry Road 12-3", "Foundry Road 12-4", "partial", "other unit"),
    ("street", "Foundry Road 65-2", "Foundry Road 65", "near", "unit missing"),
    ("street", "65 Foundry Road-2", "65 Foundry Rd-3", "partial", "other unit"),
    ("street", "12 Foundry Rd", "14 Foundry Rd", "contradicting", "same street, other number"),
    ("postcode", "D-10115", "10115", "normalised", "same"),
    ("postcode", "sw1a1aa", "SW1A 1AA", "normalised", "same"),
    ("postcode", "80331", "80313", "near", "a character differs"),
    ("city", "Wien", "Vienna", "normalised", "same in another language"),
    ("city", "St Paul", "Saint Paul", "normalised", "same"),
    ("city", "Münchne", "München", "near", "near spelling"),
    ("country", "UK", "Great Britain", "normalised", "same"),
    ("country", "Österreich", "AT", "normalised", "same"),
    ("region", "CA", "California", "normalised", "same"),
    ("date of birth", "1980-03-04", "04.03.1980", "normalised", "same"),
    ("date of birth", "1980-03-14", "1980-03-41", "near", "a digit differs"),
    ("date of birth", "1980-03-24", "unclear", "silent", "not a date"),
    ("date of birth", "1980-03-04", "1980-04-03", "near", "day and month swapped"),
    ("date of birth", "1980-12-31", "1980-12-13", "near", "a digit differs"),
    ("date of birth", "1900-01-01", "1980-12-13", "silent", "placeholder"),
    ("date of birth", "0000-00-00", "1980-12-13", "silent", "placeholder"),
    ("date of birth", "15061966", "15 Jun 1966", "normalised", "same"),
    ("date of birth", "06151966", "1966-06-15", "normalised", "same"),
    ("date of birth", "05-07-35", "07 May 1935", "normalised", "same"),
    ("date of birth", "05-07-35", "07 May 2035", "normalised", "same"),
    ("date of birth", "02-1Z-37", "12 Feb 1937", "normalised", "same"),
    ("date of birth", "15061966", "16061966", "near", "a digit differs"),
    ("price", "1.234,50 €", "EUR 1,234.50", "normalised", "same"),
    ("quantity", "500 g", "0.5 kg", "normalised", "same"),
    ("quantity", "500 g", "0.5 l", "silent", "other unit"),
    ("tax number", "DE 123.456.789", "DE123456789", "normalised", "same but notation"),
    ("tax number", "DE123456789", "123456789", "normalised", "same but prefix"),
    ("gtin", "4006381333931", "04006381333931", "normalised", "same but notation"),
    ("gtin", "4006381333931", "4006381333981", "near", "a character differs"),
    ("gtin", "4006381333931", "4006381333948", "contradicting", "other code"),
    ("web address", "https://www.wood.example/", "wood.example", "normalised", "same"),
    ("web address", "northwindpaper.exam", "www.northwindpaper.example", "near", "cut off"),
    ("web address", "northwndpaper.example", "northwindpaper.example", "near", "near spelling"),
    ("category", "f", "female", "near", "initial"),
    ("free text", "red steel bolt", "steel bolt red", "near", "nearly the same words"),
    ("email", "a@wood.example", "", "missing", "missing"),
    ("telephone", None, "+43 1 5550 2210", "missing", "missing"),
]


@pytest.mark.parametrize(("kind", "left", "right", "level", "text"), SEEN)
def test_values_of_one_kind_compare_at_a_level_whichever_comes_first(kind, left, right, level, text):
    for one, two in ((left, right), (right, left)):
        found = compare_values(kind, one, two)
        assert (found.level, found.text) == (level, text)


def test_names_in_two_columns_compare_even_if_they_changed_places():
    assert compare_names_of_people(("Wei", "Liu"), ("Liu", "Wei")).text == "same in another order"
    assert compare_names_of_people(("Ann", "Lee"), ("Ann", "Lee")).level == "exact"
    assert compare_names_of_people(("Ann", "Lee"), ("Ben", "Lee")).level == "contradicting"


def test_an_ending_that_tells_women_from_men_is_a_slip_in_a_surname():
    assert compare_names_of_people(("Kavitha", "Sharma"), ("Kavitha", "Sharmo")).level == "near"
    assert compare_names_of_people(("Maria", "Rossi"), ("Mario", "Rossi")).level == "contradicting"
    assert compare_names_of_people(("Maria", "Rossa"), ("Mario", "Rosso")).level == "contradicting"


def test_the_initial_of_a_middle_name_is_not_another_first_name():
    assert compare_names_of_people(("Gianluca G.", "Greco"), ("Gaetano", "Greco")).level == "contradicting"
    assert compare_names_of_people(("J. Robert", "Smith"), ("John", "Smith")).text == "initial"
    assert compare_names_of_people(("Silva A.",), ("Ana Silva",)).text == "initial"


def test_a_national_number_is_read_with_the_country_of_its_record():
    assert compare_values("telephone", "020 7946 0018", "+44 20 7946 0018").level == "normalised"
    assert compare_values("telephone", "020 7946 0018", "+44 20 7946 0018", regions=("GB", None)).level == "normalised"
    assert (
        compare_values("telephone", "020 7946 0018", "+33 20 7946 0018", regions=("GB", None)).level == "contradicting"
    )


def test_what_two_values_share_is_in_one_notation():
    found = [compare_values("telephone", "+43 1 5550 2210", other).shared for other in ("01 55502210", "+43155502210")]
    assert found[0] == found[1]
    assert compare_values("company", "Acme Inc.", "ACME").shared == "acme"
