"""What a client takes."""


def accepts_gzip(request):
    """Tell whether the client takes Content-Encoding: gzip (RFC 9110 12.5.3)."""
    answer = False
    for part in (request.header("accept-encoding") or "").lower().split(","):
        name, _, weight = part.partition(";")
        name = name.strip()
        if name == "gzip" or name == "*" and not answer:
            weight = weight.strip()
            answer = not (weight.startswith("q=0") and weight[3:].strip(".0") == "")
            if name == "gzip":
                return answer
    return answer
