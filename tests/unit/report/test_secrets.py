import pytest

from aftershock.report.secrets import redact

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"  # a made-up one


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        ("{'authorization': 'Bearer abcdef0123456789'}", "abcdef0123456789"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        (f"the pod has {TOKEN} mounted", TOKEN),
        ("    client-key-data: LS0tLS1CRUdJTg==", "LS0tLS1CRUdJTg"),
        ('"token": "0123456789abcdef"', "0123456789abcdef"),
        ("password=hunter2hunter2", "hunter2hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAAAA\n-----END RSA PRIVATE KEY-----\nafter", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcut off", "MIIEcut"),
    ],
)
def test_credentials_are_replaced_and_what_is_around_them_stays(text, secret):
    shown = redact(text)

    assert secret not in shown
    assert "<redacted>" in shown
    assert shown.split("<redacted>")[0] in text


@pytest.mark.parametrize(
    "text",
    [
        "recovery: violated\n  expected  30 s\n  query     rate(http_requests_total{status=~'5..'}[1m])",
        "pod/demo/nginx-web-7d4f8b9c6-abcde uid 0b9ac1f2-4a8e-4f0e-9a53-6f6f6f6f6f6f",
        "the token bucket refilled; its tokens are counted",
        "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
    ],
)
def test_evidence_is_left_as_it_is(text):
    assert redact(text) == text
