"""The catalogue as the program reads it."""

from cases.detection import FLAGS, SPECS


def test_a_flag_names_the_kinds_of_addresses_it_looks_for() -> None:
    assert FLAGS["F6"].categories == {"mixing_service", "mixing", "coinjoin"}
    assert "sanction" in FLAGS["F1"].categories
    assert not FLAGS["T1"].categories


def test_a_flag_keeps_its_data_and_the_codes_of_both_forms() -> None:
    assert FLAGS["T1"].data == ("L", "C")
    assert FLAGS["T1"].fincen == ((1, 113), (1, 114))
    assert FLAGS["T1"].goaml == {"ae-5.0.2": ("IUVC6",)}


def test_a_rule_begins_with_the_figures_of_its_flag_and_the_houses_own() -> None:
    assert SPECS["flagged_origin"].parameters["countries"] == ["CU", "IR", "KP", "SY"]
    assert SPECS["flagged_origin"].parameters["min_count"] == 1
