"""What code can tell from how values are written: column types by check digits, measures in a text; and what models
report stays in order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress

IBANS = ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NL91ABNA0417164300"]
EANS = ["4006381333931", "4006381333948", "4006381333955", "5901234123457", "96385074"]
PHONES = ["+43 1 5550 2210", "+49 30 901820", "(0) 171-5550199", "030 5550123", "+1 (473) 555-0142"]
CODES = ["50667", "80331", "40213", "97070"]


class Says:
    """Gives labels the shares it is told, the first the first, and writes one value with its runners-up."""

    name = "says"
    fingerprint = "says-1"

    def __init__(self, *shares: float, value: str = "", others: tuple[tuple[str, float], ...] = ()) -> None:
        self.shares, self.value, self.others = shares, value, others

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,  # noqa: ARG002
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        return [
            LabelScores(self.shares, self.name)
            if isinstance(question.answer, Labels)
            else GeneratedValue(self.value or question.answer.or_else[0], self.shares[0], self.others, self.name)
            for question in questions
        ]

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return sum(len(segment.text) for segment in segments)

    def close(self) -> None:
        pass


def saying(engine: Says, **calibrations: PlattCalibration) -> Preprocessor:
    preprocessor = Preprocessor(knowledge=":memory:", engine=engine, adapters=False)
    preprocessor.decider.calibration = Calibration(calibrations)
    return preprocessor


@pytest.mark.parametrize(
    "calibration", [PlattCalibration(), PlattCalibration(scale=0.6, shift=-0.6), PlattCalibration(scale=1.8, shift=1.2)]
)
def test_no_choice_is_reported_below_its_runner_up(calibration: PlattCalibration) -> None:
    with saying(Says(0.5, 0.45, 0.05), annotate_columns=calibration) as preprocessor:
        (found,) = preprocessor.annotate([{"values": ["a", "b"]}], ["company", "place", "person"]).columns
    shares = [share for _, share in found.runners_up]
    assert found.type == "company"
    assert found.confidence is not None
    assert [found.confidence, *shares] == sorted([found.confidence, *shares], reverse=True)
    assert found.confidence + sum(shares) <= 1.0001


@pytest.mark.parametrize("calibration", [PlattCalibration(), PlattCalibration(scale=0.6, shift=-0.6)])
def test_the_most_probable_value_is_the_answer_however_it_was_found(calibration: PlattCalibration) -> None:
    engine = Says(0.13, value="United States", others=(("USA", 0.44), ("Germany", 0.2)))
    with saying(engine, impute=calibration) as preprocessor:
        (found,) = preprocessor.impute([{"city": "Munich"}], "country").values
    assert found.value == "USA"
    assert [other for other, _ in found.alternatives] == ["Germany", "United States"]
    assert (found.confidence or 0.0) >= found.alternatives[0][1] >= found.alternatives[1][1]


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (IBANS, "IBAN"),
        (EANS, "EAN"),
        (PHONES, "telephone number"),
        (["0-306-40615-2", "978-3-16-148410-0", "080442957X"], "ISBN"),
    ],
)
def test_a_column_with_check_digits_or_telephone_numbers_is_no_postal_code(values: list[str], right: str) -> None:
    with saying(Says(0.7, 0.2, 0.1)) as preprocessor:
        (named,) = preprocessor.annotate([{"values": values}], ["postal code", "name", right]).columns
        (other,) = preprocessor.annotate([{"values": values}], ["postal code", "name", "price"]).columns
    assert (named.type, named.decided_by) == (right, "pattern")
    assert named.confidence is not None
    assert named.confidence > max(share for _, share in named.runners_up)
    assert (other.type, other.decided_by) == ("name", "pattern")


def test_postal_codes_and_wrong_check_digits_are_left_to_the_model() -> None:
    types = ["postal code", "IBAN", "EAN"]
    with saying(Says(0.5, 0.3, 0.2)) as preprocessor:
        wrong = [[value[:-1] + str((int(value[-1]) + 1) % 10) for value in EANS], CODES, EANS[:2]]
        found = preprocessor.annotate([{"values": values} for values in wrong], types).columns
    assert [(column.type, column.decided_by) for column in found] == [("postal code", "model")] * 3


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Nike Air Zoom Pegasus 40 men's running shoes red size EU 43", "EU 43"),
        ('Samsung 55" QLED TV QE55Q60C (2023)', '55"'),
        ("IKEA BILLY bookcase white 80x28x202 cm", "80x28x202 cm"),
        ("Stainless steel water bottle 750 ml, matte green", "750 ml"),
        ("Levi's 501 Original jeans W32 L34 dark indigo", "W32 L34"),
        ("Organic cotton T-shirt, unisex, XL, heather grey", "XL"),
        ("Makita angle grinder GA5030R 720W 125mm", "125mm"),
        ("Rug 160 x 230 cm red", "160 x 230 cm"),
        ("Hoodie navy blue age 9-10", "age 9-10"),
        ("Kettle Russell Hobbs Retro 2400 W cream 1.7L", "1.7L"),
        ("Sony WH-1000XM5 wireless headphones, black", None),
        ("Gift card 50 EUR", None),
        ("Cordless drill 18 V, 2x 4.0 Ah, blue", None),
        ("T-shirt S, M or L", None),
    ],
)
def test_a_size_that_the_model_overlooks_is_found_by_its_form(text: str, size: str | None) -> None:
    with saying(Says(0.9)) as preprocessor:
        found, brand = preprocessor.extract([text], ["size", "brand"]).values
    assert (found.value, found.decided_by) == (size, "pattern" if size else "model")
    assert brand.value is None
    assert found.span == ((text.find(size), text.find(size) + len(size)) if size else None)


def test_a_rule_about_the_attribute_comes_before_the_form() -> None:
    with saying(Says(0.9)) as preprocessor:
        (found,) = preprocessor.extract(["Bottle 750 ml"], ["size"], rules=["A volume is no size."]).values
    assert found.value is None


CALIBRATION = Calibration(
    {
        "extract_values": PlattCalibration(scale=0.5, evidence=0.5),
        "extract_values without a value": PlattCalibration(scale=0.2, shift=-1.0, evidence=1.0),
    },
    frozenset({"brand name"}),
)


def sure(engine: Says, text: str, attribute: str) -> float:
    with saying(engine) as preprocessor:
        preprocessor.decider.calibration = CALIBRATION
        (found,) = preprocessor.extract([text], [attribute]).values
    assert found.confidence is not None
    return found.confidence


def test_an_attribute_that_the_model_has_learned_is_trusted_more() -> None:
    text = "Boots by Wilson, size 8"
    assert sure(Says(0.9, value="Wilson"), text, "Brand  Name") > sure(Says(0.9, value="Wilson"), text, "Sponsor")
    assert sure(Says(0.9), text, "brand name") > sure(Says(0.9), text, "Sponsor")


def test_that_nothing_is_stated_is_trusted_less_than_a_value_and_more_in_a_long_text() -> None:
    text = "Boots by Wilson, size 8"
    assert sure(Says(0.9), text, "Brand Name") < sure(Says(0.9, value="Wilson"), text, "Brand Name")
    assert sure(Says(0.9), text, "Brand Name") < sure(Says(0.9), f"{text}. {'Sturdy and warm. ' * 20}", "Brand Name")


def test_a_calibration_of_extraction_is_kept_and_read_again(tmp_path: Path) -> None:
    CALIBRATION.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == CALIBRATION


def test_the_shipped_calibration_knows_what_the_model_has_learned_to_extract() -> None:
    shipped = resolve("nano").calibration
    assert shipped is not None
    calibration = Calibration.load(shipped)
    assert calibration.knows("Brand")
    assert not calibration.knows("IBAN")
    assert calibration.of("extract_values", without_value=True) != calibration.of("extract_values")


@pytest.mark.parametrize(("only", "left"), [("unsure", [None]), ("stated", ["Wilson"]), ("all", ["Wilson", None])])
def test_what_is_unsure_of_an_extraction_can_be_asked_for_alone(only: Literal["stated", "unsure"], left: list) -> None:
    class Reading(Says):
        """Finds the brand and nothing else."""

        def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
            found = super().answer(questions, **options)
            return [
                GeneratedValue("Wilson", 0.99, (), self.name) if "brand name" in question.segments[-3].text else one
                for question, one in zip(questions, found, strict=True)
            ]

    with saying(Reading(0.9)) as preprocessor:
        preprocessor.decider.calibration = CALIBRATION
        answer = preprocessor.extract(["Boots by Wilson, size 8"], ["brand name", "season"], only=only)
    assert [value.value for value in answer] == left
    assert sum(answer.left_out.values()) == 2 - len(left)
