"""A reader that claims too much, or gives no model, does not keep others from reading."""

import pytest
from made_plugins import MODEL, plugin, raising, variant

from advisor import Advisor, ModelFileError, ModelReader


class OddReader(ModelReader):
    name = "odd"

    def claims(self, source):
        return True

    def read(self, source):
        return MODEL


@pytest.fixture
def card(tmp_path):
    (tmp_path / "model.json").write_text('{"acme_card": 1}')
    return tmp_path / "model.json"


@pytest.mark.parametrize("read", [raising(ModelFileError("model.json: not mine")), lambda self, source: None])
def test_reader_that_claims_too_much_lets_others_read(card, read):
    greedy = plugin("a greedy one", model_readers=lambda: [variant(OddReader, read=read)])
    good = plugin("good", model_readers=lambda: [variant(OddReader, name="good")])
    assert Advisor([greedy, good], discover=False).read(card).reader == "good"


def test_first_refusal_is_the_reason(card):
    readers = [variant(OddReader, name=name, read=raising(ModelFileError(f"{name} refuses"))) for name in ("a", "b")]
    with pytest.raises(ModelFileError, match="a refuses"):
        Advisor([plugin(model_readers=lambda: readers)], discover=False).read(card)


def test_reader_that_gives_no_model_is_named(card):
    advisor = Advisor([plugin(model_readers=lambda: [variant(OddReader, read=lambda self, source: 5)])], discover=False)
    with pytest.raises(ModelFileError, match="not a model file"):
        advisor.read(card)
    assert advisor.warnings == ["plugin 'bad': reader 'odd' left out: PluginError: read gave a int, not a Model"]
