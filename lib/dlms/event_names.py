"""Names of the events that logs of meters have codes for.

Source: IDIS Package 2, object model, event codes (one list for all logs); GOST R 58940-2020 (SPODES), annex D (a list for each
log). Codes that makers add are not here.
"""

from micropython import const

from lib.dlms import tables

_IDIS = const(
    "|1 power down|2 power up|3 summer time changed|4 clock adjusted, old time|5 clock adjusted, new time|6 clock invalid"
    "|7 replace battery|8 battery voltage low|9 tariffs activated|10 error register cleared|11 alarm register cleared"
    "|12 program memory error|13 RAM error|14 NV memory error|15 watchdog error|16 measurement system error"
    "|17 firmware ready for activation|18 firmware activated|19 passive tariffs programmed|20 external alert"
    "|40 terminal cover open begins|41 terminal cover open ends|42 magnet begins|43 magnet ends|44 meter cover open begins"
    "|45 meter cover open ends|46 authentication failure|47 parameters changed|48 keys changed|49 decryption failure"
    "|50 replay attack|51 firmware verification failed|59 relay ready for manual reconnection|60 relay off, manual"
    "|61 relay on, manual|62 relay off, remote|63 relay on, remote|64 relay off, local|65 over-power begins|66 over-power ends"
    "|67 power limit changed|68 relay failure|69 relay on, local|70 supervision 1 begins|71 supervision 1 ends"
    "|72 supervision 2 begins|73 supervision 2 ends|74 supervision 3 begins|75 supervision 3 ends|76 sag L1|77 sag L2|78 sag L3"
    "|79 swell L1|80 swell L2|81 swell L3|82 voltage loss L1|83 voltage loss L2|84 voltage loss L3|85 voltage normal L1"
    "|86 voltage normal L2|87 voltage normal L3|88 voltage imbalance|89 reverse current|90 wrong phase sequence"
    "|91 unexpected consumption|92 key exchanged|93 bad voltage quality L1|94 bad voltage quality L2|95 bad voltage quality L3"
    "|100 M-Bus 1 communication failure begins|101 M-Bus 1 communication failure ends|102 M-Bus 1 replace battery"
    "|103 M-Bus 1 fraud attempt|104 M-Bus 1 clock adjusted|105 M-Bus 1 device installed|106 M-Bus 1 permanent error"
    "|140 no connection|141 modem initialisation failure|142 SIM failure|143 SIM good|144 GSM registration failure"
    "|145 GPRS registration failure|146 PDP context made|147 PDP context ended|148 PDP context failure|149 modem restart"
    "|150 modem reset|151 outgoing call|152 incoming call|153 call ended|154 modem diagnosis failure"
    "|155 modem user initialisation failure|156 signal weak|157 too many calls|158 local communication|255 log cleared|"
)

# Log (number E of 0.0.99.98.E.255), point, code
_SPODES = const(
    "|0.1 voltage loss L1 begins|0.2 voltage loss L1 ends|0.3 voltage loss L2 begins|0.4 voltage loss L2 ends"
    "|0.5 voltage loss L3 begins|0.6 voltage loss L3 ends|0.7 overvoltage begins|0.8 overvoltage ends|0.9 undervoltage begins"
    "|0.10 undervoltage ends|0.11 voltage imbalance begins|0.12 voltage imbalance ends|0.13 swell L1 begins|0.14 swell L1 ends"
    "|0.15 swell L2 begins|0.16 swell L2 ends|0.17 swell L3 begins|0.18 swell L3 ends|0.19 sag L1 begins|0.20 sag L1 ends"
    "|0.21 sag L2 begins|0.22 sag L2 ends|0.23 sag L3 begins|0.24 sag L3 ends|0.25 wrong phase sequence begins"
    "|0.26 wrong phase sequence ends|0.27 phase break begins|0.28 phase break ends"
    "|1.1 reverse current L1 begins|1.2 reverse current L1 ends|1.3 reverse current L2 begins|1.4 reverse current L2 ends"
    "|1.5 reverse current L3 begins|1.6 reverse current L3 ends|1.7 current break L1 begins|1.8 current break L1 ends"
    "|1.9 current break L2 begins|1.10 current break L2 ends|1.11 current break L3 begins|1.12 current break L3 ends"
    "|1.13 current imbalance begins|1.14 current imbalance ends|1.15 current transformer short begins"
    "|1.16 current transformer short ends|1.17 overcurrent begins|1.18 overcurrent ends|1.19 phase break L1 begins"
    "|1.20 phase break L1 ends|1.21 phase break L2 begins|1.22 phase break L2 ends|1.23 phase break L3 begins"
    "|1.24 phase break L3 ends|1.25 overcurrent L1 begins|1.26 overcurrent L1 ends|1.27 overcurrent L2 begins"
    "|1.28 overcurrent L2 ends|1.29 overcurrent L3 begins|1.30 overcurrent L3 ends|1.31 neutral break begins"
    "|1.32 neutral break ends|1.33 reverse power begins|1.34 reverse power ends|1.35 powers of phases opposed begins"
    "|1.36 powers of phases opposed ends|1.37 current at open relay begins|1.38 current at open relay ends"
    "|2.1 power down|2.2 power up|2.3 relay off, remote|2.4 relay on, remote|2.5 relay ready for manual reconnection"
    "|2.6 relay off, manual|2.7 relay on, manual|2.8 relay off, over-power|2.9 relay off, overcurrent|2.10 relay off, magnet"
    "|2.11 relay off, overvoltage|2.12 relay on, voltage normal|2.13 relay off, current without voltage"
    "|2.14 relay off, current imbalance|2.15 relay off, temperature|2.16 reserve supply begins|2.17 reserve supply ends"
    "|2.18 relay off, cover open"
    "|3.1 RS-485 1 changed|3.2 RS-485 2 changed|3.3 clock set|3.4 summer time changed|3.5 tariff seasons changed"
    "|3.6 tariff weeks changed|3.7 tariff days changed|3.8 tariff date changed|3.9 tariffs activated|3.10 billing day changed"
    "|3.13 reader password changed|3.14 writer password changed|3.16 current ratio changed|3.17 voltage ratio changed"
    "|3.19 power limit changed|3.31 profile 1 period changed|3.32 profile 2 period changed|3.35 monthly log cleared"
    "|3.36 daily log cleared|3.37 voltage log cleared|3.38 current log cleared|3.39 power log cleared|3.40 tamper log cleared"
    "|3.41 communication log cleared|3.42 access log cleared|3.43 quality log cleared|3.46 profile 1 cleared"
    "|3.47 profile 2 cleared|3.48 profile 3 cleared|3.49 special days changed|3.50 relay mode changed|3.65 firmware activated"
    "|3.68 clock adjusted"
    "|4.1 magnet begins|4.2 magnet ends|4.3 terminal cover opened|4.4 meter cover opened"
    "|5.1 connection ended|5.2 connection made|6.1 unauthorised access|6.2 protocol violated"
    "|7.1 started|7.2 measuring module failure begins|7.3 measuring module failure ends|7.4 processor failure"
    "|7.5 clock failure begins|7.6 clock failure ends|7.7 supply module failure begins|7.8 supply module failure ends"
    "|7.9 display failure begins|7.10 display failure ends|7.11 memory failure begins|7.12 memory failure ends"
    "|7.13 program memory failure begins|7.14 program memory failure ends|7.15 core clock failure begins"
    "|7.16 core clock failure ends|"
)


def idis(code):
    """Return the name of an event of any log of an IDIS meter, "" if its code has none."""
    return tables.text(_IDIS, code)


def spodes(log, code):
    """Return the name of an event of one log of a SPODES meter, 0 to 7 (0.0.99.98.log.255); "" if its code has none."""
    return tables.text(_SPODES, "%d.%d" % (log, code))
