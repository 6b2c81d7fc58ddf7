"""Small files in the encodings that people use, without any mark that says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from dp_tools.errors import TableUnavailable
from dp_tools.tables.change_log import Change, undo, write_changes
from dp_tools.tables.snapshot import open_file, open_table

CP1252 = {
    "prices": "item,price\nTea,15 €\nCoffee,22 €\nMilk,3 €\n",
    "one price": "item,price\nTea,€15\n",
    "price behind": "item;price\nTea;4,50€\nMilk;1,20€\n",
    "one town": "id,town\n1,Malmö\n2,Lund\n3,Ystad\n",
    "one temperature": "room,temperature\nA1,22°C\nA2,21\n",
    "temperatures": "room,temperature\nA1,22 °C\nA2,21 °C\n",
    "one name": "id,name\n1,Zoë\n2,Ann\n",
    "French names": "nom,ville\nHélène,Nîmes\nFrançois,Orléans\nNoël,Besançon\n",
    "Spanish names": "nombre,ciudad\nPeña,Málaga\nMuñoz,Logroño\nGarcía,Cádiz\n",
    "German streets": "Name;Straße\nMüller;Schloßallee 7\nJäger;Königstraße 3\n",
    "capitals": "NAME;STADT\nMÜLLER;KÖLN\nJÄGER;DÜREN\n",
    "Portuguese": "nome,cidade\nJoão,São Paulo\nConceição,Guimarães\n",
    "Danish": "navn,by\nSøren,Århus\nBjørn,Næstved\n",
    "apostrophe": "firm,town\nO’Neill’s,Cork\nMcDonald’s,Bath\n",
    "quotes": "title,year\n“Emma”,1815\n“Persuasion”,1817\n",
    "dash": "period,count\n2001–2005,3\n2006–2010,4\n",
    "trademark": "product,price\nTipp-Ex™ white,3.20\nTesa® film,2.10\n",
    "one initial": "id,name\n1,Émile Zola\n2,Ann Lee\n",
    "areas": "flat,size\nA,54 m²\nB,61 m²\n",
    "pounds": "item,price\nTea,£4.50\nMilk,£1.10\n",
    "fractions": 'pipe,bore\nA,½"\nB,1\n'.replace('½"', "½ in"),
    "Finnish": "nimi,kunta\nVäinö,Jyväskylä\nÄijälä,Hämeenlinna\n",
}
OTHERS = {
    "latin-9 prices": ("iso8859-15", "item,price\nTea,15 €\nMilk,3 €\n"),
    "latin-9 French": ("iso8859-15", "nom,prix\nHélène,15 €\nNoël,12 €\n"),
    "Mac names": ("mac-roman", "name,town\nZoë,Genève\nJürgen,Zürich\nAndré,Köln\n"),
    "Mac Spanish": ("mac-roman", "nombre,ciudad\nPeña,Málaga\nMuñoz,Logroño\n"),
    "Mac apostrophe": ("mac-roman", "name,town\nO’Neill’s,Cork\nZoë,Bath\n"),
    "DOS names": ("cp850", "name,town\nMüller,Köln\nAndré,Genève\n"),
    "DOS Spanish": ("cp850", "nombre,ciudad\nPeña,Málaga\nMuñoz,Logroño\n"),
    "UTF-16 without a mark": ("utf-16-le", "id,town\n1,Malmö\n2,Лунд\n"),
    "UTF-16 the other way round": ("utf-16-be", "id,town\n1,Malmö\n2,Łódź\n"),
    "UTF-16 in ASCII": ("utf-16-le", "id,town\n1,Lund\n2,Bath\n"),
    "Russian": ("cp1251", "имя,город\nИван,Москва\nМария,Казань\nПётр,Новосибирск\nОльга,Санкт-Петербург\n"),
    "Russian in KOI8": ("koi8_r", "имя,город\nИван,Москва\nМария,Казань\nПётр,Новосибирск\nОльга,Екатеринбург\n"),
    "Russian of DOS": ("cp866", "имя,город\nИван,Москва\nМария,Казань\nПётр,Новосибирск\nОльга,Екатеринбург\n"),
    "Japanese": ("cp932", "名前,都市\n田中太郎,東京都\n鈴木花子,大阪市\n佐藤一郎,テストデータ\n"),
    "Japanese of Unix": ("euc_jp", "名前,都市\n田中太郎,東京都\n鈴木花子,大阪市\n佐藤一郎,テストデータ\n"),
    "Chinese": ("gb18030", "姓名,城市\n张伟,北京市\n王芳,上海市\n李娜,广州市\n刘洋,深圳市\n"),
    "Chinese of Taiwan": ("big5", "姓名,城市\n陳志明,臺北市\n林美玲,高雄市\n黃建國,臺中市\n"),
    "Korean": ("cp949", "이름,도시\n김철수,서울특별시\n이영희,부산광역시\n박민수,대구광역시\n"),
    "Greek": ("cp1253", "όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\nΝίκος,Πάτρα\n"),
    "Polish": ("cp1250", "imię,miasto\nMałgorzata,Łódź\nStanisław,Kraków\nBożena,Gdańsk\nŻaneta,Wrocław\n"),
    "Czech": ("cp1250", "jméno,město\nJiří,Plzeň\nTomáš,České Budějovice\nŠtěpán,Ústí nad Labem\n"),
}


def read(path: Path) -> tuple[str, str]:
    with open_table(path, header=False) as table:
        rows = [",".join(value or "" for value in record.values()) for _, record in table.records()]
        return "\n".join(rows), " ".join(table.reading.notes)


@pytest.mark.parametrize("name", CP1252)
def test_small_western_files_are_read_as_cp1252(tmp_path: Path, name: str) -> None:
    text = CP1252[name]
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("cp1252"))
    found, notes = read(path)
    assert found == text.replace(";", ",").strip() or found == text.strip()
    assert "cp1252" in notes
    assert "certainly" in notes or "probably" in notes or "perhaps" in notes


@pytest.mark.parametrize("name", OTHERS)
def test_small_files_in_other_encodings_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    encoding, text = OTHERS[name]
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    assert read(path)[0] == text.strip()


@pytest.mark.parametrize(
    "encoding", ["cp1252", "iso8859-15", "mac-roman", "cp850", "cp932", "utf-16-le", "utf-8-sig", "utf-16"]
)
def test_cleaning_and_undoing_changes_no_other_byte(tmp_path: Path, encoding: str) -> None:
    town = "東京都" if encoding == "cp932" else "Malmö"
    path = tmp_path / "t.csv"
    path.write_bytes(f"id,town,note\n1,{town},a\n2,Lund,b\n3,{town},c\n".encode(encoding))
    asked = {"encoding": encoding}
    cleaned, log = tmp_path / "cleaned.csv", tmp_path / "log.jsonl"
    write_changes(open_file(path, **asked), [Change(1, "note", "b", "B", 0.9, "A test.", "rule")], cleaned, log)
    expected = path.read_bytes().decode(encoding).replace("Lund,b", "Lund,B").encode(encoding)
    assert cleaned.read_bytes() == expected
    undo(cleaned, log, tmp_path / "restored.csv")
    assert (tmp_path / "restored.csv").read_bytes() == path.read_bytes()


def test_a_file_that_cannot_be_written_back_byte_for_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    # Two codes of cp932 stand for the same sign, and Python writes the other one.
    path.write_bytes("id,sign,note\n1,".encode("cp932") + b"\x87\x90" + ",a\n2,x,b\n".encode("cp932"))
    with pytest.raises(TableUnavailable, match="convert it to UTF-8"):
        write_changes(
            open_file(path, encoding="cp932"),
            [Change(1, "note", "b", "B", 0.9, "A test.", "rule")],
            tmp_path / "cleaned.csv",
            tmp_path / "log.jsonl",
        )
    assert not (tmp_path / "cleaned.csv").exists()


@pytest.mark.parametrize(
    ("encoding", "line"), [("cp932", "1,東京都テスト\n"), ("cp1251", "1,Москва\n"), ("cp1252", "1,Malmö\n")]
)
def test_a_file_that_is_longer_than_what_is_looked_at_is_read_as_it_is(
    tmp_path: Path, encoding: str, line: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(("id,town\n" + line * (2**20 // len(line.encode(encoding)) + 9)).encode(encoding))
    with open_table(path) as table:
        assert table.reading.options["encoding"] == encoding
        assert next(table.records())[1]["town"] == line[2:].strip()
