"""What can be wrong with a modem, its card, its network: a cause in a word for programs, a sentence for people."""

SENTENCES = {
    "silent": "the modem does not answer: check its supply, its power key and the wires",
    "no_sim": "there is no SIM card, or it is not read",
    "sim_fault": "the SIM card does not work in this modem",
    "pin_missing": "the SIM card asks for a PIN, and none is set",
    "pin_wrong": "the SIM card refused the PIN; it is not tried again until another one is set",
    "pin_tried": "this PIN was tried and not accepted: empty the setting, wait a moment, set the right one",
    "puk": "the SIM card is locked: it asks for its PUK; unlock it in a telephone",
    "not_registered": "no network in reach took the modem in: check the antenna",
    "denied": "the network refuses this SIM card: is the contract valid, does it allow data and roaming?",
    "apn": "the modem does not take the name of the access point (APN)",
    "no_carrier": "the network did not begin the data connection: check the APN",
    "lost": "the data connection ended",
    "login": "the network refused user or password of the access point",
    "no_address": "the network gave no address: check APN, user and password",
    "unexpected": "the modem answered what is not understood",
}


class ModemError(Exception):
    """`cause`: one of SENTENCES. `detail`: what the modem said, "" if that tells nothing more."""

    def __init__(self, cause, detail=""):
        super().__init__(cause)
        self.cause = cause
        self.detail = detail

    @property
    def sentence(self):
        """The cause for people, and what the modem said."""
        return SENTENCES[self.cause] + (" (" + self.detail + ")" if self.detail else "")
