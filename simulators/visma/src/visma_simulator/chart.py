"""The parts of the Norwegian standard chart of accounts (NS 4102) that the books use, and the VAT codes (SAF-T numbers)."""

from typing import NamedTuple


class TaxCode(NamedTuple):
    code: int
    description: str
    rate: int  # hundredths of a percent: 25 % is 2500
    account: int


# Account: name, default VAT code.
ACCOUNTS: dict[int, tuple[str, int]] = {
    1200: ("Maskiner og anlegg", 1),
    1209: ("Akkumulerte avskrivninger maskiner", 0),
    1250: ("Inventar", 1),
    1259: ("Akkumulerte avskrivninger inventar", 0),
    1280: ("Kontormaskiner", 1),
    1289: ("Akkumulerte avskrivninger kontormaskiner", 0),
    1500: ("Kundefordringer", 0),
    1920: ("Bankinnskudd", 0),
    2000: ("Aksjekapital", 0),
    2050: ("Annen egenkapital", 0),
    2400: ("Leverandørgjeld", 0),
    2500: ("Betalbar skatt, ikke utlignet", 0),
    2600: ("Forskuddstrekk", 0),
    2700: ("Utgående merverdiavgift, høy sats", 3),
    2701: ("Utgående merverdiavgift, middels sats", 31),
    2710: ("Inngående merverdiavgift, høy sats", 1),
    2711: ("Inngående merverdiavgift, middels sats", 11),
    2740: ("Oppgjørskonto merverdiavgift", 0),
    2770: ("Skyldig arbeidsgiveravgift", 0),
    2780: ("Påløpt arbeidsgiveravgift på ferielønn", 0),
    2930: ("Skyldig lønn", 0),
    2940: ("Skyldige feriepenger", 0),
    3000: ("Salgsinntekt, avgiftspliktig høy sats", 3),
    3010: ("Salgsinntekt tjenester, høy sats", 3),
    3020: ("Salgsinntekt, avgiftspliktig middels sats", 31),
    3100: ("Salgsinntekt, avgiftsfri", 5),
    3200: ("Salgsinntekt, utenfor avgiftsområdet", 6),
    4300: ("Innkjøp av varer for videresalg", 1),
    4310: ("Innkjøp av næringsmidler", 11),
    5000: ("Lønn til ansatte", 0),
    5092: ("Påløpte feriepenger", 0),
    5400: ("Arbeidsgiveravgift", 0),
    6010: ("Avskrivning på maskiner", 0),
    6015: ("Avskrivning på inventar", 0),
    6017: ("Avskrivning på kontormaskiner", 0),
    6300: ("Leie lokaler", 1),
    6340: ("Lys, varme", 1),
    6540: ("Inventar, småanskaffelser", 1),
    6700: ("Revisjons- og regnskapshonorar", 1),
    6800: ("Kontorrekvisita", 1),
    6900: ("Telefon og data", 1),
    7000: ("Drivstoff", 1),
    7140: ("Reisekostnad, ikke oppgavepliktig", 0),
    7320: ("Reklamekostnad", 1),
    7500: ("Forsikringspremie", 0),
    7770: ("Bank- og kortgebyr", 0),
    8300: ("Betalbar skatt", 0),
    8800: ("Årsresultat", 0),
}
GROUPS = {
    "1": "Eiendeler",
    "2": "Egenkapital og gjeld",
    "3": "Salgs- og driftsinntekt",
    "4": "Varekostnad",
    "5": "Lønnskostnad",
    "6": "Annen driftskostnad",
    "7": "Annen driftskostnad",
    "8": "Finans, skatt og årsresultat",
}
TAX_CODES = {
    code.code: code
    for code in (
        TaxCode(0, "Ingen merverdiavgift", 0, 0),
        TaxCode(1, "Inngående merverdiavgift, høy sats", 2500, 2710),
        TaxCode(3, "Utgående merverdiavgift, høy sats", 2500, 2700),
        TaxCode(5, "Innenlands omsetning, fritatt", 0, 0),
        TaxCode(6, "Omsetning utenfor merverdiavgiftsloven", 0, 0),
        TaxCode(11, "Inngående merverdiavgift, middels sats", 1500, 2711),
        TaxCode(31, "Utgående merverdiavgift, middels sats", 1500, 2701),
    )
}
VAT_ACCOUNTS = (2700, 2701, 2710, 2711)
SALES = (3000, 3000, 3000, 3010, 3010, 3020, 3100, 3200)
PURCHASES = (4300, 4300, 4300, 4310, 6300, 6340, 6540, 6700, 6800, 6900, 7000, 7140, 7320, 7500)
FIRST_RESULT_ACCOUNT = 3000
# Asset account: accumulated depreciation, cost account, lifetime in months, what such a thing is called.
ASSET_CLASSES = {
    1200: (1209, 6010, 84, "Produksjonsmaskin"),
    1250: (1259, 6015, 60, "Kontormøbler"),
    1280: (1289, 6017, 36, "Serverrack"),
}


def vat(net: int, code: int) -> int:
    """VAT on a net amount in øre, half an øre rounded away from zero."""
    vat = (abs(net) * TAX_CODES[code].rate + 5_000) // 10_000
    return vat if net >= 0 else -vat
