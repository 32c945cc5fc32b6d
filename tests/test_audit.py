"""What the answers of a vulnerability service mean; no service is asked here."""

import json

from tools import audit

VULNERABLE = {"name": "Jinja2", "version": "3.1.6", "vulns": [{"id": "PYSEC-1"}]}
FINE = {"name": "torch", "version": "2.13.0", "vulns": []}
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}


def test_a_package_that_was_skipped_is_not_one_that_is_fine():
    found = audit.read(
        "pypi", json.dumps({"dependencies": [VULNERABLE, FINE, SKIPPED]})
    )
    assert found.answered == ("jinja2", "torch")
    assert found.vulnerable == ("Jinja2 3.1.6: PYSEC-1",)
    assert "numpy" in found.unknown and "ipykernel" in found.unknown
    assert not {"torch", "Jinja2"} & set(found.unknown)
    assert "pypi answered for 2 of " in audit.in_words(found)


def test_no_answer_at_all_is_said_so():
    for text in ("", json.dumps({"dependencies": [SKIPPED]})):
        found = audit.read("osv", text)
        assert found.answered == () and "torch" in found.unknown
        assert audit.in_words(found).startswith("Not audited")
