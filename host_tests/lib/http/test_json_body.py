"""Bodies in JSON: every character there is, nesting, and what is no JSON."""

import json

from lib.http.errors import HttpError
from lib.http.json_body import parse
from lib.http.kernels import json_shape, surrogate

GOOD = (
    # text, object
    (b"{}", {}),
    (b' {"a" : 1}\n', {"a": 1}),
    (b'{"a":"\\ud83d\\udd0c"}', {"a": "\U0001f50c"}),
    (b'{"a":"x\\uD83D\\uDD0Cy\\uDBFF\\uDFFF"}', {"a": "x\U0001f50cy\U0010ffff"}),
    (b'{"a":"\\ud800\\udc00"}', {"a": "\U00010000"}),
    (b'{"\\ud83d\\udd0c":"\\u00e4\\n\\\\"}', {"\U0001f50c": "\xe4\n\\"}),
    (b'{"a":"\\\\ud83d"}', {"a": "\\ud83d"}),
    (b'{"a":"\\\\\\ud83d\\udd0c"}', {"a": "\\\U0001f50c"}),
    ('{"a":"\U0001f50c č"}'.encode(), {"a": "\U0001f50c č"}),
    (b'{"a":"\\ud7ff\\ue000"}', {"a": "\ud7ff\ue000"}),
    (b'{"a":[[[[[[[1]]]]]]]}', {"a": [[[[[[[1]]]]]]]}),
    (b'{"a":"[[[[[[[[[[[[[[\\"{{{{{{{{{{"}', {"a": '[[[[[[[[[[[[[["{{{{{{{{{{'}),
)
BAD = (
    # text, a word of the sentence
    (b'{"a":"\\ud83d"}', "JSON"),
    (b'{"a":"\\udd0c"}', "JSON"),
    (b'{"a":"\\ud83d\\u0041"}', "JSON"),
    (b'{"a":"\\ud83dxxxxx"}', "JSON"),
    (b'{"a":"\\ud83d\\', "JSON"),
    (b'{"a":"\\ud8zz\\udd0c"}', "JSON"),
    (b'{"a":"\\uCo00"}', "JSON"),
    (b'{"a":' + b"9" * 8000 + b"}", "digits"),
    (b'{"a":"\xff"}', "UTF-8"),
    (b'{"a":"\xed\xa0\xbd\xed\xb4\x8c"}', "UTF-8"),
    (b'{"a":[[[[[[[[1]]]]]]]]}', "deeply"),
    (b"[" * 100000, "deeply"),
    (b'{"a":' * 10000, "deeply"),
    (b"[]", "object"),
    (b'"x"', "object"),
    (b"12", "object"),
    (b"null", "object"),
    (b"{", "JSON"),
    (b'{"a":1', "JSON"),
    (b"{]}", "JSON"),
    (b"nul", "JSON"),
    (b'{"a":"', "JSON"),
    (b"\\", "JSON"),
)


def test_what_is_understood():
    for text, expected in GOOD:
        assert parse(memoryview(text)) == expected, text
        assert parse(text) == expected, text


def refused(text):
    try:
        parse(memoryview(text))
    except HttpError as error:
        assert error.status == 400
        return error.message
    return None


def test_what_is_refused():
    for text, word in BAD:
        message = refused(text)
        assert message and word in message, (text[:40], message)


def test_every_cut_ends_in_an_object_or_a_refusal():
    for text, _ in GOOD:
        for size in range(1, len(text)):
            cut = text[:size]
            assert refused(cut) or json.loads(cut) is not None, cut


def test_shapes():
    for text, depth in (
        (b"", 0),
        (b"[]", 1),
        (b"[[][[]]]", 3),
        (b"]]]][", 0),
        (b'"[[["', 0),
        (b'"\\"[[["', 0),
        (b'"\\\\"[', 1),
        (b"[" * 300, 255),
        (b'["\\uD800"]', 1),
        (b'["\\uCo00"]', -1),
        (b'["\\u+d83"]', -1),
        (b'["\\u12"]', -1),
        (b'["\\u123', -1),
        (b'["\\u', -1),
        (b'"\\', 0),
        (b"[" + b"1234567890" * 4 + b"]", 1),
        (b"[" + b"1234567890" * 4 + b"1]", -1),
        (b'"' + b"1" * 41 + b'"', 0),
        (b"[1." + b"1" * 40 + b",2]", 1),
    ):
        assert json_shape(text, 0, len(text)) == depth, text


def test_where_surrogates_are():
    for text, at in (
        (b"", -1),
        (b'"\\ud800"', 1),
        (b'"\\uDfFF"', 1),
        (b'"\\ud7ff"', -1),
        (b'"\\ue000"', -1),
        (b'"\\\\ud800"', -1),
        (b'"\\\\\\ud800"', 3),
        (b'"x\\n\\ud83d"', 4),
        (b'"\\ud', -1),
    ):
        assert surrogate(text, 0, len(text)) == at, text
