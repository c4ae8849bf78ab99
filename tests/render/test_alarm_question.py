"""What is asked about an alarm whose type or service is not known."""

from __future__ import annotations

from bot.render import alarm_answer, alarm_question
from sandbox.slack.limits import validate_blocks
from tests.render.reading import read
from tests.support.samples import ALARM


def test_a_question_about_an_alarm_with_many_choices() -> None:
    long = "a" * 255
    choices = [(f"{long} of {long}", "v" * 900)] * 10
    alarm = ALARM.model_copy(update={"name": long})
    made = alarm_question(alarm, ["I don't know this type yet: <!here>."], choices, "AccessDenied")
    assert validate_blocks(made.blocks) == []
    assert "could not be read from CloudWatch: AccessDenied" in read(made.blocks)
    assert "<!here>" not in made.text
    answer = alarm_answer("5XX errors of checkout", "U1")
    assert validate_blocks(answer.blocks) == []


def test_a_question_beside_a_look_around_says_so() -> None:
    made = alarm_question(ALARM, ["It is of no type."], [], None, True)
    assert "I look around" in read(made.blocks)
    assert "did not open" not in read(made.blocks) + made.text
