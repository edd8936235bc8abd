"""PEM text as people send it: with text around, other line ends, one long line; and every damage refused in words."""

from binascii import a2b_base64, b2a_base64

from host_tests.lib.x509.x509_vectors import load, refusal
from lib.x509 import pem

VECTORS = load()
GOOD = VECTORS["certificates"][2]["pem"]
KEY = VECTORS["keys"][4]["pem"]
BEGIN, END = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"


def by_hand(text):
    """The DER, by the simplest means."""
    return a2b_base64("".join([line for line in text.split("\n") if line[:5] != "-----"]))


def block(body, label="CERTIFICATE"):
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def base64(data):
    return b2a_base64(data).decode()


SAME = (
    ("as it came", GOOD),
    ("CR LF", GOOD.replace("\n", "\r\n")),
    ("CR", GOOD.replace("\n", "\r")),
    ("blanks for line ends", GOOD.replace("\n", " ")),
    ("no line ends", GOOD.replace("\n", "")),
    ("indented", GOOD.replace("\n", "\n\t  ")),
    ("blank lines", GOOD.replace("\n", "\n \n\n")),
    ("no last line end", GOOD[:-1]),
    ("text before", "Certificate:\n    Data: -----\nsubject=CN = Test CA, čšž 電\n" + GOOD),
    ("text behind", GOOD + "\nthat was it -----\n"),
    ("a byte order mark", "\ufeff" + GOOD),
    ("parameters before", block("BggqhkjOPQMBBw==", "EC PARAMETERS") + GOOD),
)

REFUSED = (
    # what, text, a word of the sentence
    ("nothing", "", "no -----BEGIN"),
    ("something", "hello", "no -----BEGIN"),
    ("base64 alone", base64(b"x" * 40), "no -----BEGIN"),
    ("the last line alone", END, "no -----BEGIN"),
    ("four dashes", GOOD.replace("-----", "----"), "no -----BEGIN"),
    ("dashes cut", "-----BEGIN CERTIFICATE--\nAAAA\n", "damaged"),
    ("the first line alone", BEGIN, "no -----END CERTIFICATE-----"),
    ("no last line", GOOD.replace(END, ""), "no -----END CERTIFICATE-----"),
    ("another last line", GOOD.replace(END, "-----END PRIVATE KEY-----\n"), "no -----END CERTIFICATE-----"),
    ("a long label", block("AAAA", "X" * 100), "damaged"),
    ("a request", block("AAAA", "CERTIFICATE REQUEST"), "CERTIFICATE REQUEST is neither"),
    ("an SSH key", block("AAAA", "OPENSSH PRIVATE KEY"), "OPENSSH PRIVATE KEY is neither"),
    ("a public key", block("AAAA", "PUBLIC KEY"), "neither"),
    ("no label", block("AAAA", ""), "neither"),
    ("parameters alone", block("AAAA", "EC PARAMETERS"), "no -----BEGIN"),
    ("parameters twice", block("AAAA", "EC PARAMETERS") * 2 + GOOD, "neither"),
    ("two certificates", GOOD + GOOD, "one by one"),
    ("certificate and key", GOOD + "\n" + KEY, "one by one"),
    ("key and certificate", KEY + GOOD, "one by one"),
    ("no base64", block("AA*A"), "base64"),
    ("no ASCII", block("AAAč"), "base64"),
    ("NUL", block("AA\0A"), "base64"),
    ("for addresses", block("AA-_"), "base64"),
    ("half a group", block("AAAAA"), "base64"),
    ("a sign missing", block("AAA"), "base64"),
    ("padding in between", block("AA==AAAA"), "base64"),
    ("padding at a piece's end", block("AAAA" * 63 + "AA==" + "AAAA"), "base64"),
    ("padding twice", block("AA==" + "\n" * 300 + "AA=="), "base64"),
    ("too much padding", block("AAAA===="), "base64"),
    ("padding alone", block("===="), "base64"),
    ("bits behind the end", block("AAB="), "base64"),
    ("PEM of a headed form", block("X-Header: 1\n\nAAAA"), "base64"),
    ("4097 bytes", block(base64(b"x" * 4097)), "more than 4096"),
    ("a megabyte", block("AAAA" * 50000), "more than 4096"),
)


def test_the_same_in_many_forms():
    expected = by_hand(GOOD)
    for what, text in SAME:
        kind, der = pem.decode(text)
        assert kind == pem.CERTIFICATE and der == expected, what


def test_all_vectors():
    for rows, expected in ((VECTORS["certificates"], pem.CERTIFICATE), (VECTORS["keys"], pem.KEY)):
        for row in rows:
            kind, der = pem.decode(row["pem"])
            assert kind == expected and der == by_hand(row["pem"]), row["what"]


def test_a_key_behind_its_parameters():
    """What `openssl ecparam -genkey` writes."""
    assert pem.decode(block("BggqhkjOPQMBBw==", "EC PARAMETERS") + KEY) == (pem.KEY, by_hand(KEY))


def test_any_size():
    data = bytes([at * 7 & 255 for at in range(4096)])
    for size in list(range(260)) + [1023, 1024, 4094, 4095, 4096]:
        for text in (base64(data[:size]), base64(data[:size]) + "\n" * 300, base64(data[:size]).replace("A", " A\n")):
            kind, der = pem.decode(block(text))
            assert kind == pem.CERTIFICATE and der == data[:size], size
    assert "more than 10 bytes" in refusal(pem.decode, block(base64(data[:11])), 10)


def test_refused():
    for what, text, word in REFUSED:
        sentence = refusal(pem.decode, text)
        assert word in sentence, (what, sentence)


def test_encrypted_keys():
    for row in VECTORS["encrypted"]:
        assert refusal(pem.decode, row["pem"]) == "the private key is encrypted: remove its passphrase first", row["what"]


def test_every_sign_changed():
    """Another sign gives other bytes or a refusal, never the same bytes; a sign that is no base64 always a refusal."""
    expected = by_hand(GOOD)
    start = len(BEGIN)
    for at in range(start, GOOD.index("-----END")):
        if GOOD[at] == "\n":
            continue
        for sign in "A=*-\u0161":
            text = GOOD[:at] + sign + GOOD[at + 1 :]
            if text == GOOD:
                continue
            sentence = refusal(pem.decode, text)
            assert sentence or sign == "A" and pem.decode(text)[1] != expected, (at, sign)


def test_cut_anywhere():
    for text in (GOOD, KEY):
        for size in range(len(text) - 1):
            assert refusal(pem.decode, text[:size]), size
