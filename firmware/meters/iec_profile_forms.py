"""How the load profile of a meter is asked for, and what its columns are where it does not say: by its identification.

Older Turkish rows come from what public readers do; newer ones from TEDAS-MLZ/2017-062 and MASS v11.
"""

from micropython import const

# Maker, part of the text behind it: command, code, form of time. The first that fits. `()` behind the form is sent behind
# the brackets; a form without letters (`;`) asks for all there is.
_FORMS = const(
    (
        ("", "<2>", "R2 P.01 YY-MM-DD,hh:mm"),
        ("", "<3>", "R2 P.01 YY-MM-DD,hh:mm"),
        ("MSY", "", "R2 P.01 YYMMDDhhmm"),
        ("LUN", "", "R5 P1 YYMMDD()"),
        ("VIK", "VEMC", "R2 96.A.8.0 YY-MM-DD,hh:mm"),
        ("VIK", "VEMD", "R2 96.A.8.0 YY-MM-DD,hh:mm"),
        ("VIK", "C1E0", "R2 96.A.8.0 YY-MM-DD,hh:mm"),
        ("VIK", "VEM", "R2 96.1.8.0 YY-MM-DD,hh:mm"),
        ("VIK", "M1E0", "R2 96.1.8.0 YY-MM-DD,hh:mm"),
        ("VIK", "", "R5 P.01 YY-MM-DD,hh:mm"),
        ("AEL", "", "R2 P.04 YYYY-MM-DD,hh:mm"),
        ("BYL", "", "R2 P.01 YY-MM-DD,hh:mm"),
        ("ALP", "", "R2 P.01 YY-MM-DD,hh:mm"),
        ("MAS", "", "R2 P.01 YY-MM-DD,hh:mm"),
        ("NZR", "", "R1 P.01 zYYMMDDhhmm"),
        ("", "", "R5 P.01 zYYMMDDhhmm"),
    )
)
# MASS rows name no columns: how many there are, whether the meter has reactive registers
_COLUMNS = const(
    (
        (4, False, b"1.8.0*kWh,1.6.0*kW,32.6.0*V,32.3.0*V"),
        (6, False, b"1.8.0*kWh,2.8.0*kWh,1.6.0*kW,2.6.0*kW,32.6.0*V,32.3.0*V"),
        (8, False, b"1.8.0*kWh,1.6.0*kW,32.6.0*V,52.6.0*V,72.6.0*V,32.3.0*V,52.3.0*V,72.3.0*V"),
        (10, False, b"1.8.0*kWh,2.8.0*kWh,1.6.0*kW,2.6.0*kW,32.6.0*V,52.6.0*V,72.6.0*V,32.3.0*V,52.3.0*V,72.3.0*V"),
        (4, True, b"1.8.0*kWh,5.8.0*kVArh,8.8.0*kVArh,1.6.0*kW"),
        (8, True, b"1.8.0*kWh,5.8.0*kVArh,8.8.0*kVArh,2.8.0*kWh,7.8.0*kVArh,6.8.0*kVArh,1.6.0*kW,2.6.0*kW"),
    )
)


def form_of(profile, model):
    """Return [command, code, form of time] of a meter: as its line in the list says (`profile`), or by its maker."""
    if profile == "auto":
        for maker, part, form in _FORMS:
            if model.startswith(maker) and part in model[3:]:
                profile = form
                break
    return profile.split(" ")


def columns_of(model, count, has_reactive):
    """Return the columns (`1.8.0*kWh,...`) of rows with `count` values, None where it is not known."""
    for there, is_combined, columns in _COLUMNS:
        if "<2>" in model and (there, is_combined) == (count, has_reactive):
            return columns
    return None


def is_at_begin(model):
    """Whether the meter writes the time at which an interval begins."""
    return model.startswith("NZR")
