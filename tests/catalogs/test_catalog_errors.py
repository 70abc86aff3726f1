"""A bad catalog file is one clear line: the file, the entry, the field, what is accepted."""

import pytest

from advisor.errors import InputError
from advisor_catalogs.check import check_catalogs
from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_systems

OFFERS = "provider,system,region,term,price_usd_per_hour,source,source_url,date\n"
GOOD = OFFERS + "aws,8xacme-a1-64gb,eu-central-1,on-demand,12.5,Acme,https://example.org,2026-01-01\n"


def message(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_user_folder_adds_devices_systems_and_offers(user_folder, device_toml):
    folder = user_folder(devices__acme_toml=device_toml, offers__mine_csv=GOOD)
    (device,) = load_devices(folder)
    assert device.id == "acme-a1-64gb"
    assert [system.id for system in load_systems(folder)] == ["8xacme-a1-64gb"]
    (offer,) = load_offers(folder)
    assert (offer.country, offer.price_usd_per_hour) == ("DE", 12.5)
    assert check_catalogs(folder) == []


def test_a_user_folder_may_bring_a_provider_region_and_grid(user_folder):
    source = '[sources.us]\ntitle = "Us"\ndate = 2026-01-01\n'
    folder = user_folder(
        providers_toml=f'{source}[[provider]]\nid = "acme"\nname = "Acme"\njurisdictions = ["CH"]\nsources = ["us"]\n',
        facilities_toml=f'{source}[[facility]]\nid = "acme"\npue = 1.2\nsources = ["us"]\n',
        regions_toml='[acme]\nzurich = { country = "CH", grid = "CH" }\n',
        offers__acme_csv=OFFERS + "acme,3xnvidia-h100-sxm-80gb,zurich,on-demand,20,Acme,,2026-01-01\n",
    )
    (offer,) = load_offers(folder)
    assert (offer.pue, offer.country, offer.jurisdictions) == (1.2, "CH", ("CH",))
    assert check_catalogs(folder) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("memory_gib = 64", "memory_gib = -1"), ["acme.toml", "acme-a1-64gb", "memory_gib", "above 0"]),
        (("board_power_w = 300", ""), ["acme-a1-64gb", "board_power_w", "required"]),
        (("board_power_w", "board_power"), ["acme-a1-64gb", "board_power"]),
        (("memory_gib = 64", 'memory_gib = "lots"'), ["memory_gib", "lots"]),
        (("bf16 = 400", "bf17 = 400"), ["acme.toml", "acme-a1-64gb", "bf17", "did you mean"]),
        (("bf16 = 400", ""), ["peak_tflops", "at least one"]),
        (('sources = ["sheet"]', 'sources = ["sheets"]'), ["acme-a1-64gb", "sources.sheets", "sheet"]),
        (('kind = "gpu"', 'kind = "gpu"\nlink = "fast"'), ["acme-a1-64gb", "links.fast"]),
        (("[[device]]", "[device]"), ["[[device]]"]),
        (("[[device]]", "[[devices]]"), ["devices", "accepted"]),
        (('name = "Acme A1"', "name = "), ["acme.toml", "TOML", "line"]),
    ],
)
def test_a_bad_device_file(user_folder, change, words, device_toml):
    text = message(load_devices, user_folder(devices__acme_toml=device_toml.replace(*change)))
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("aws,1xnvidia-l4-24gb,eu-central-1,on-demand,cheap,A,,2026-01-01", ["row 2", "price_usd_per_hour", "cheap"]),
        ("asw,1xnvidia-l4-24gb,eu-central-1,on-demand,1,A,,2026-01-01", ["provider", "asw", "did you mean aws"]),
        ("aws,1xnvidia-l4-24gb,eu-central-9,on-demand,1,A,,2026-01-01", ["region", "eu-central-9", "eu-central-1"]),
        ("aws,1xnvidia-l4-24gb,eu-central-1,monthly,1,A,,2026-01-01", ["term", "monthly", "on-demand", "spot"]),
        ("aws,1xnvidia-l4-24gb,eu-central-1,on-demand,,A,,2026-01-01", ["price_usd_per_hour", "purchase_usd"]),
        ("aws,1xnvidia-l4-24gb,eu-central-1,on-demand,-3,A,,2026-01-01", ["price_usd_per_hour", "-3"]),
        ("aws,1xnvidia-l4-24gb,eu-central-1,on-demand,1,A,,yesterday", ["date", "yesterday"]),
        ("aws,1xnvidia-l4-24gb,eu-central-1", ["row 2", "3 cells"]),
    ],
)
def test_a_bad_offer_row(user_folder, row, words):
    text = message(load_offers, user_folder(offers__mine_csv=OFFERS + row + "\n"))
    assert "mine.csv" in text
    assert all(word in text for word in words), text


def test_a_bad_offer_header(user_folder):
    assert "'region'" in message(load_offers, user_folder(offers__mine_csv="provider,system\n"))
    assert "'prize'" in message(load_offers, user_folder(offers__mine_csv=OFFERS.replace("date", "date,prize")))


def test_an_id_used_twice(user_folder, device_toml):
    twice = device_toml + device_toml[device_toml.index("[[device]]") :]
    assert "already in" in message(load_devices, user_folder(devices__acme_toml=twice))


def test_a_missing_folder_and_a_file_that_is_not_text(tmp_path):
    assert "no such catalog folder" in message(load_devices, tmp_path / "none")
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "bad.toml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in message(load_devices, tmp_path)


def test_deep_nesting_is_refused_in_bounded_time(user_folder):
    assert "TOML" in message(load_devices, user_folder(devices__deep_toml="x = " + "[" * 100_000))


def test_a_bad_grid(user_folder):
    folder = user_folder(grids_toml='[[grid]]\nid = "XX"\nname = "x"\ncountry = "XX"\nyear = 2024\n')
    assert "intensity_g_per_kwh" in message(load_grids, folder)


def test_check_names_what_contradicts(user_folder, device_toml):
    bad = device_toml.replace("bf16 = 400", "fp32 = 500, bf16 = 400").replace('sources = ["sheet"]', "")
    dear = GOOD.replace("12.5", "900") + GOOD.splitlines()[1].replace("8xacme-a1-64gb", "dgx-acme") + "\n"
    problems = check_catalogs(user_folder(devices__acme_toml=bad, offers__mine_csv=dear))
    text = "\n".join(problems)
    assert "bf16 (400) is slower than fp32" in text
    assert "no source" in text
    assert "not plausible" in text
    assert "unknown system 'dgx-acme'" in text


def test_check_compares_rate_with_units_and_clock(user_folder, device_toml):
    units = 'kind = "gpu"\nfamily = "Hopper"\ncompute_units = 132\nclock_ghz = 1.83'
    wrong = device_toml.replace('kind = "gpu"', units)
    (problem,) = check_catalogs(user_folder(devices__acme_toml=wrong.replace("bf16 = 400", "fp16 = 1979")))
    assert "fp16 1979" in problem
