"""Media types: one name for each, and which are special cases of which."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
XML = "application/xml"
ZIP = "application/zip"
GZIP = "application/gzip"
OLE = "application/x-ole-storage"
MP4 = "video/mp4"
OGG = "application/ogg"
SCRIPT = "text/x-shellscript"

_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = f"{_OOXML}wordprocessingml.document"
XLSX = f"{_OOXML}spreadsheetml.sheet"
PPTX = f"{_OOXML}presentationml.presentation"

_ALIASES = {
    "application/vnd.microsoft.portable-executable": (
        "application/x-msdownload application/x-dosexec application/x-msdos-program application/exe application/x-exe"
    ),
    "application/gzip": "application/x-gzip application/gzip-compressed application/x-gunzip",
    "application/java-archive": "application/x-java-archive application/x-jar",
    "application/json": "text/json application/x-json",
    "application/pdf": "application/x-pdf",
    "application/rtf": "text/rtf application/x-rtf text/richtext",
    "application/vnd.rar": "application/x-rar-compressed application/x-rar application/rar",
    "application/vnd.sqlite3": "application/x-sqlite3",
    "application/x-7z-compressed": "application/x-7z",
    "application/x-bzip2": "application/x-bzip application/bzip2",
    "application/x-elf": (
        "application/x-executable application/x-sharedlib application/x-pie-executable application/x-object "
        "application/x-coredump"
    ),
    "application/x-httpd-php": "text/x-php application/x-php application/php text/php",
    "application/yaml": "text/yaml text/x-yaml application/x-yaml",
    OLE: "application/cdfv2 application/vnd.ms-office application/x-ole",
    XML: "text/xml",
    ZIP: "application/x-zip-compressed application/x-zip multipart/x-zip",
    "application/zstd": "application/x-zstd",
    "audio/aac": "audio/x-aac audio/aacp audio/x-hx-aac-adts",
    "audio/aiff": "audio/x-aiff",
    "audio/basic": "audio/au",
    "audio/flac": "audio/x-flac",
    "audio/midi": "audio/x-midi audio/mid",
    "audio/mp4": "audio/x-m4a audio/m4a audio/mp4a-latm",
    "audio/mpeg": "audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3",
    "audio/wav": "audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav",
    "font/otf": "application/x-font-otf application/x-font-opentype application/vnd.ms-opentype",
    "font/ttf": "application/x-font-ttf application/x-font-truetype font/sfnt application/font-sfnt",
    "font/woff": "application/font-woff application/x-font-woff",
    "font/woff2": "application/font-woff2",
    "image/bmp": "image/x-ms-bmp image/x-bmp",
    "image/gif": "image/x-gif",
    "image/jpeg": "image/jpg image/pjpeg image/x-jpeg image/x-jpg",
    "image/png": "image/x-png",
    "image/svg+xml": "image/svg",
    "image/tiff": "image/tif image/x-tiff image/x-tif",
    "image/vnd.adobe.photoshop": "image/x-photoshop application/x-photoshop image/psd",
    "image/vnd.microsoft.icon": "image/x-icon image/ico",
    "image/webp": "image/x-webp",
    "text/calendar": "application/ics",
    "text/csv": "text/x-csv application/csv application/x-csv text/comma-separated-values",
    "text/html": "application/html",
    "text/javascript": "application/javascript application/x-javascript text/x-javascript text/ecmascript",
    "text/markdown": "text/x-markdown",
    "text/vcard": "text/x-vcard",
    SCRIPT: "application/x-sh application/x-shellscript text/x-sh application/x-csh text/x-script",
    MP4: "video/x-mp4 video/mpeg4",
    "video/mp2t": "video/vnd.dlna.mpeg-tts",
    "video/mpeg": "video/x-mpeg video/mpg",
    "video/x-matroska": "video/matroska",
    "video/x-msvideo": "video/avi video/msvideo",
}
_NAMES = MappingProxyType({alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()})

_CHILDREN = {
    ZIP: (
        f"{DOCX} {XLSX} {PPTX} application/epub+zip application/java-archive model/3mf application/x-xpinstall "
        "application/vnd.google-earth.kmz application/vnd.visio application/x-wheel+zip"
    ),
    DOCX: f"{_OOXML}wordprocessingml.template application/vnd.ms-word.document.macroenabled.12",
    XLSX: (
        f"{_OOXML}spreadsheetml.template application/vnd.ms-excel.sheet.macroenabled.12 "
        "application/vnd.ms-excel.sheet.binary.macroenabled.12"
    ),
    PPTX: (
        f"{_OOXML}presentationml.slideshow {_OOXML}presentationml.template "
        "application/vnd.ms-powerpoint.presentation.macroenabled.12"
    ),
    "application/java-archive": "application/vnd.android.package-archive",
    GZIP: "application/x-tgz application/x-compressed-tar application/x-gtar-compressed",
    OLE: (
        "application/msword application/vnd.ms-excel application/vnd.ms-powerpoint application/vnd.ms-outlook "
        "application/vnd.ms-project application/x-msi application/vnd.ms-works"
    ),
    "application/postscript": "application/eps image/x-eps",
    MP4: "audio/mp4 application/mp4 video/x-m4v video/quicktime video/3gpp video/3gpp2 audio/3gpp audio/3gpp2",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska video/webm",
    "video/x-ms-asf": "video/x-ms-wmv audio/x-ms-wma",
    OGG: "video/ogg",
    "video/ogg": "audio/ogg",
    "audio/ogg": "audio/opus audio/vorbis audio/speex",
    "image/heif": "image/heic image/heif-sequence image/avif",
    "image/heic": "image/heic-sequence",
    "image/png": "image/apng",
    "image/tiff": (
        "image/x-adobe-dng image/x-canon-cr2 image/x-nikon-nef image/x-sony-arw image/x-pentax-pef "
        "image/x-samsung-srw image/x-epson-erf"
    ),
    XML: "image/svg+xml application/xhtml+xml application/mathml+xml text/xsl",
    TEXT: (
        f"{XML} application/json application/yaml application/toml application/sql application/rtf "
        "application/postscript application/x-httpd-php application/x-subrip application/x-ndjson "
        "application/vnd.apple.mpegurl application/x-mpegurl audio/mpegurl audio/x-mpegurl message/rfc822 "
        "image/x-xpixmap image/x-xbitmap image/x-portable-bitmap image/x-portable-graymap image/x-portable-pixmap "
        "model/obj model/gltf+json model/step chemical/x-pdb application/x-tex application/x-pem-file"
    ),
    SCRIPT: "text/x-python application/x-perl text/x-perl application/x-ruby text/x-ruby",
}
_PARENTS = MappingProxyType({child: parent for parent, children in _CHILDREN.items() for child in children.split()})
_SUFFIXES = MappingProxyType({"xml": XML, "json": "application/json", "zip": ZIP, "gzip": GZIP})  # RFC 6839

_RUN = frozenset({XML, "text/html", "text/javascript", "text/xsl", "application/x-shockwave-flash"})


_GENERIC = frozenset({
    *("", "*/*", UNKNOWN, "binary/octet-stream", "application/x-octet-stream", "application/binary"),
    *("application/x-binary", "application/unknown", "application/x-unknown", "application/force-download"),
    *("application/download", "application/x-download", "application/x-compressed"),
})  # fmt: skip


def normal(media_type: str | None) -> str | None:
    """Return the one name of a media type, without parameters, in lower case; None for one that says nothing.

    Example:
        >>> normal("Image/JPG; q=1"), normal("application/octet-stream")
        ('image/jpeg', None)
    """
    bare = (media_type or "").partition(";")[0].strip().lower()
    return None if bare in _GENERIC else _NAMES.get(bare, bare)


def lineage(media_type: str) -> Iterator[str]:
    """Yield a type and all that it is a special case of: a DOCX is a zip archive, an SVG is XML, and XML is text."""
    each: str | None = media_type
    while each is not None:
        yield each
        each = _parent(each)


def may_run(media_type: str) -> bool:
    """Return whether a browser may run what a file of this type holds: HTML, JavaScript, and any XML."""
    return not _RUN.isdisjoint(lineage(media_type))


def _parent(media_type: str) -> str | None:
    if media_type in _PARENTS:
        return _PARENTS[media_type]
    kind, _, rest = media_type.partition("/")
    suffix = _SUFFIXES.get(rest.rpartition("+")[2]) if "+" in rest else None
    if suffix is not None or media_type == TEXT:
        return suffix
    if rest.startswith("vnd.oasis.opendocument."):
        return ZIP
    return TEXT if kind == "text" else None
