"""What meters answer instead of data, by name: results of GET, SET and ACTION, exceptions, refused associations.

Source: DLMS UA 1000-2 (Green Book), 9.4.2 (association), 9.5 (Data-Access-Result, Action-Result, ExceptionResponse,
ConfirmedServiceError).
"""

from micropython import const

from lib.dlms import tables

_ACCESS = const(
    "|0 success|1 hardware fault|2 temporary failure|3 read-write denied|4 object undefined|9 object class inconsistent"
    "|11 object unavailable|12 type unmatched|13 scope of access violated|14 data block unavailable|15 long get aborted"
    "|16 no long get in progress|17 long set aborted|18 no long set in progress|19 data block number invalid"
    "|20 long action aborted|21 no long action in progress|250 other reason|"
)
_STATES = const("|1 service not allowed|2 service unknown|")
_SERVICES = const(
    "|1 operation not possible|2 service not supported|3 other reason|4 PDU too long|5 deciphering error"
    "|6 invocation counter error|"
)
_USER = const(
    "|1 no reason given|2 application context not supported|3 calling title not recognised|11 mechanism not recognised"
    "|12 mechanism required|13 authentication failure|14 authentication required|"
)
_PROVIDER = const("|1 no reason given|2 no common version|")
# Kind and value of a confirmed service error
_ERRORS = const(
    "|0.6 deciphering error|3.1 PDU size|3.2 service unsupported|5.1 scope of access violated|5.2 object access violated"
    "|5.3 hardware fault|5.4 object unavailable|6.1 DLMS version too low|6.2 incompatible conformance|6.3 PDU size too short"
    "|6.4 refused|"
)
_KINDS = const(
    "|0 application reference|1 hardware resource|2 VDE state error|3 service|4 definition|5 access|6 initiate|7 load data set"
    "|9 task|"
)

USER = const(1)  # source of a diagnostic
PROVIDER = const(2)


def access(code):
    """Return the name of a data-access-result or action-result."""
    return tables.text(_ACCESS, code) or "result " + str(code)


def exception(state, service):
    """Return the name of an exception response: what the service error says, with the state in front where that says more."""
    name = tables.text(_STATES, state) or "state " + str(state)
    return name + ", " + (tables.text(_SERVICES, service) or "error " + str(service))


def diagnostic(source, code):
    """Return why an association was refused: source USER or PROVIDER; "" for no error."""
    if not code:
        return ""
    return tables.text(_USER if source == USER else _PROVIDER, code) or "diagnostic " + str(code)


def service_error(_service, kind, value):
    """Return the name of a confirmed service error, its three octets; the first says what was asked, which we know."""
    name = tables.text(_ERRORS, "%d.%d" % (kind, value))
    return name or "%s error %d" % (tables.text(_KINDS, kind) or "service", value)
