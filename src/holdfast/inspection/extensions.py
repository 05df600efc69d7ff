"""Which media types the extension of a file name stands for."""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType

from holdfast.inspection.media_types import UNKNOWN, normal
from holdfast.keys import clean_name

_PHP, _PE = "application/x-httpd-php", "application/vnd.microsoft.portable-executable"
_OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."

# The first type is the one that a file without any other hint has.
_TYPES = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "ai": "application/pdf application/postscript",
    "aif aiff aifc": "audio/aiff",
    "amr": "audio/amr",
    "apk": "application/vnd.android.package-archive",
    "asf": "video/x-ms-asf",
    "asp aspx ashx asmx": "application/x-asp",
    "avi": "video/x-msvideo",
    "avif avifs": "image/avif",
    "bat cmd": "application/x-bat",
    "bmp dib": "image/bmp",
    "bz2": "application/x-bzip2",
    "c h cpp cc hpp cs go java kt rs swift ini cfg conf log text asc srt properties diff patch tex": "text/plain",
    "cab": "application/vnd.ms-cab-compressed",
    "cgi": "application/x-cgi",
    "class": "application/java-vm",
    "cr2": "image/x-canon-cr2",
    "cr3": "image/x-canon-cr3",
    "css": "text/css",
    "csv": "text/csv",
    "dng": "image/x-adobe-dng",
    "doc": "application/msword",
    "dot": "application/msword text/vnd.graphviz",
    "docm": "application/vnd.ms-word.document.macroenabled.12",
    "dotm": "application/vnd.ms-word.template.macroenabled.12",
    "docx": f"{_OOXML}wordprocessingml.document",
    "dotx": f"{_OOXML}wordprocessingml.template",
    "eml": "message/rfc822",
    "elf so o ko axf": "application/x-elf",
    "eps epsf ps": "application/postscript",
    "epub": "application/epub+zip",
    "exe dll scr com sys cpl ocx drv efi mui": _PE,
    "f4v": "video/x-f4v",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "gz": "application/gzip",
    "heic": "image/heic",
    "heif hif": "image/heif",
    "hta": "application/hta",
    "htaccess": "application/x-htaccess",
    "htm html shtml shtm phtm": "text/html application/xhtml+xml",
    "ico cur": "image/vnd.microsoft.icon",
    "ics": "text/calendar",
    "jar war ear": "application/java-archive",
    "jp2 jpf": "image/jp2",
    "jpg jpeg jpe jfif jif pjpeg pjp": "image/jpeg",
    "js mjs cjs": "text/javascript",
    "json map": "application/json",
    "jsonl ndjson": "application/x-ndjson",
    "jsp jspx jspf jsw jsv": "application/x-jsp",
    "jxl": "image/jxl",
    "kmz": "application/vnd.google-earth.kmz",
    "lz4": "application/x-lz4",
    "m3u8": "application/vnd.apple.mpegurl",
    "m3u": "audio/mpegurl",
    "m4a m4b m4p m4r": "audio/mp4",
    "m4v": "video/x-m4v",
    "md markdown": "text/markdown",
    "mhtml mht": "multipart/related",
    "mid midi": "audio/midi",
    "mka": "audio/x-matroska",
    "mkv mk3d": "video/x-matroska",
    "mov qt": "video/quicktime",
    "mp3 mp2 mpga": "audio/mpeg",
    "mp4 mp4v mpg4": "video/mp4",
    "mpg mpeg mpe m2v vob": "video/mpeg",
    "msg": "application/vnd.ms-outlook",
    "msi": "application/x-msi",
    "nef nrw": "image/x-nikon-nef",
    "odg": f"{_ODF}graphics",
    "odp": f"{_ODF}presentation",
    "ods": f"{_ODF}spreadsheet",
    "odt": f"{_ODF}text",
    "oga spx": "audio/ogg",
    "ogg ogx": "application/ogg",
    "ogv": "video/ogg",
    "opus": "audio/opus",
    "otf": "font/otf",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "php php3 php4 php5 php7 php8 phps phtml pht phar pgif": _PHP,
    "pl pm": "application/x-perl",
    "png": "image/png",
    "apng": "image/apng",
    "pef": "image/x-pentax-pef",
    "pot": "application/vnd.ms-powerpoint text/x-gettext-translation-template",
    "pps ppt": "application/vnd.ms-powerpoint",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "potm": "application/vnd.ms-powerpoint.template.macroenabled.12",
    "potx": f"{_OOXML}presentationml.template",
    "ppam": "application/vnd.ms-powerpoint.addin.macroenabled.12",
    "ppsm": "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    "pptx": f"{_OOXML}presentationml.presentation",
    "ppsx": f"{_OOXML}presentationml.slideshow",
    "ps1 psm1": "application/x-powershell",
    "psd psb": "image/vnd.adobe.photoshop",
    "py pyw": "text/x-python",
    "rar": "application/vnd.rar",
    "rb": "application/x-ruby",
    "rtf": "application/rtf",
    "sh bash zsh ksh csh": "text/x-shellscript",
    "sql": "application/sql",
    "sqlite sqlite3 db db3": "application/vnd.sqlite3",
    "arw sr2 srf": "image/x-sony-arw",
    "dcr kdc": "image/x-kodak-dcr",
    "erf": "image/x-epson-erf",
    "iiq": "image/x-phaseone-iiq",
    "srw": "image/x-samsung-srw",
    "3fr fff": "image/x-hasselblad-3fr",
    "svg": "image/svg+xml",
    "svgz": "application/gzip",
    "swf": "application/x-shockwave-flash",
    "tar": "application/x-tar",
    "tgz": "application/x-tgz",
    "tif tiff": "image/tiff",
    "toml": "application/toml",
    "ts": "video/mp2t text/typescript",
    "m2ts": "video/mp2t",
    "mts": "video/mp2t text/typescript",
    "ttc": "font/collection",
    "ttf": "font/ttf",
    "tsv tab": "text/tab-separated-values",
    "txt": "text/plain",
    "vbs vbe wsf": "text/vbscript",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "wasm": "application/wasm",
    "wav wave": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm audio/webm",
    "webp": "image/webp",
    "wma": "audio/x-ms-wma",
    "wmv": "video/x-ms-wmv",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xht xhtml": "application/xhtml+xml",
    "xls xlt": "application/vnd.ms-excel",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    "xlam": "application/vnd.ms-excel.addin.macroenabled.12",
    "xltm": "application/vnd.ms-excel.template.macroenabled.12",
    "xltx": f"{_OOXML}spreadsheetml.template",
    "xlsx": f"{_OOXML}spreadsheetml.sheet",
    "xml xsd": "application/xml",
    "xsl xslt": "text/xsl",
    "xz": "application/x-xz",
    "yaml yml": "application/yaml",
    "zip": "application/zip",
    "zst": "application/zstd",
    "3gp 3gpp": "video/3gpp audio/3gpp",
    "3g2": "video/3gpp2",
}
_BY_EXTENSION = MappingProxyType({each: types.split() for names, types in _TYPES.items() for each in names.split()})

HAS_EXTENSION = frozenset(each for types in _TYPES.values() for each in types.split())
"""Types that have extensions of their own here."""

_GENERIC = frozenset({"bin", "blob", "dat", "data", "download", "file", "part", "tmp", "upload"})

# What follows a stream or a version on Windows ("x.php::$DATA") is no part of it; "Plan 2.0 final" has none.
_EXTENSION = re.compile(r"\.(?=[0-9]*[a-z])([a-z0-9]{1,16})(?![a-z0-9])[^./\\]*$")


_OF_URLS = re.compile(r"[:/]")


def extension(filename: str) -> str | None:
    """Return the extension of a file name in lower case, None where there is none that says anything.

    Example:
        >>> extension("Shell.PHP. "), extension("Mr. Smith"), extension("v1.2"), extension("README")
        ('php', None, None, None)
    """
    # Made from the same name, a key may end otherwise: "x.p\u200bhp" becomes "x.php".
    _, dot, stored = clean_name(filename).lower().rpartition(".")
    found = _EXTENSION.search(filename.lower().rstrip(". "))
    ending = stored if dot and _known(stored) else found and found[1]
    return None if ending in _GENERIC else ending


def types_of(filename: str) -> tuple[str, ...]:
    """Return the media types that a file name's extension stands for; none where it says nothing."""
    ending = extension(filename)
    return () if ending is None else tuple(filter(None, map(normal, _known(ending))))


def guessed_type(filename: str) -> str:
    """Return what Python and most of its HTTP clients call a file by nothing but its name.

    Example:
        >>> guessed_type("a.tar.gz"), guessed_type("a")
        ('application/x-tar', 'application/octet-stream')
    """
    import mimetypes  # noqa: PLC0415  # it costs 1 ms, which `import holdfast` saves

    if not mimetypes.inited:
        mimetypes.init()
    stem, _, ending = filename.rpartition(".")
    ending = f".{ending}"
    is_simple = stem and "." not in stem and not (ending in mimetypes.suffix_map or ending in mimetypes.encodings_map)
    if is_simple and (found := mimetypes.types_map.get(ending)):
        return found  # without Python's look at URLs, which takes as long as all else that a small file is asked
    # It takes names for URLs: "data:text/html,x.png" says of itself what it is, and "//[" raises.
    return mimetypes.guess_type(_OF_URLS.sub("_", filename))[0] or UNKNOWN


def _known(ending: str) -> list[str]:
    return _BY_EXTENSION.get(ending) or list(filter(None, [_registered().get(f".{ending}")]))


@cache
def _registered() -> dict[str, str]:
    """Return Python's own table, without what the machine's files add to it."""
    import mimetypes  # noqa: PLC0415  # it costs 1 ms, which `import holdfast` saves

    strict: dict[str, str] = mimetypes.MimeTypes().types_map[1]
    return strict
