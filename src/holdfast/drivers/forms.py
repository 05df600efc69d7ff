"""Signed forms: what a browser may POST to S3 or GCS, by a policy that both write in the same way.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
https://cloud.google.com/storage/docs/authentication/signatures#policy-document
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from holdfast.drivers import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from holdfast.drivers.optional import UploadTerms

_FILE_NAME = "${filename}"


def signed_fields(
    bucket: str, terms: UploadTerms, more: Mapping[str, str], signer: canonical.Signer, now: datetime
) -> dict[str, str]:
    """Return the fields of a form; each has exactly the value that was signed.

    Args:
        bucket: Its name, without which the form would be good for any bucket of the account.
        terms: What may be uploaded; the key is the whole one.
        more: Other fields.
        signer: Who signs.
        now: Time in UTC, from which `UploadTerms.expires_in` counts.

    Raises:
        NotImplementedError: The service would change a value.
    """
    time = canonical.timestamp(now)
    scope = f"{time[:8]}/{signer.place}"
    own = {
        "algorithm": signer.algorithm,
        "credential": f"{signer.identity}/{scope}",
        "date": time,
        **({"security-token": signer.token} if signer.token else {}),
    }
    vendor = signer.vendor.lower()
    fields = {
        "key": terms.key,
        "Content-Type": terms.content_type,
        **more,
        **{f"{vendor}{name}": value for name, value in own.items()},
    }
    for name, value in fields.items():
        if _FILE_NAME in value:
            message = f"a form cannot have {_FILE_NAME} in its {name}: the service would put the file's name there"
            raise NotImplementedError(message)
    policy = {
        "expiration": (now + timedelta(seconds=terms.expires_in)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "conditions": [
            {"bucket": bucket},
            *({name: value} for name, value in fields.items()),
            ["content-length-range", terms.size, terms.size],
        ],
    }
    # ASCII, as both want it. A dollar sign begins the name of a field there, and must not in a value.
    text = json.dumps(policy).replace("$", "\\u0024")
    encoded = base64.b64encode(text.encode()).decode()
    return {**fields, "policy": encoded, f"{vendor}signature": signer.sign(scope, encoded)}
