import pytest
from cli_toy import Toy
from click.testing import CliRunner, Result

from advisor.cli.main import cli
from advisor.cli.session import Session


@pytest.fixture
def run(monkeypatch):
    """Run the command line on the toy plugin alone, with any more plugins."""
    monkeypatch.delenv("ADVISOR_WITHOUT", raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*args: object, plugins: tuple[object, ...] = ()) -> Result:
        session = Session(plugins=[Toy(), *plugins], discover=False)
        return CliRunner().invoke(cli, [str(arg) for arg in args], obj=session)

    return call
