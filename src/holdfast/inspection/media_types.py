"""Media types: one name for each, and which are special cases of which."""

from __future__ import annotations

import re
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
HTML = "text/html"
MARKDOWN = "text/markdown"

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
    "application/x-ndjson": "application/jsonl application/jsonlines application/x-jsonlines",
    "application/pdf": "application/x-pdf application/acrobat text/pdf text/x-pdf",
    "application/rtf": "text/rtf application/x-rtf text/richtext",
    "application/vnd.rar": "application/x-rar-compressed application/x-rar application/rar",
    "application/vnd.sqlite3": "application/x-sqlite3",
    "application/sql": "application/x-sql text/sql text/x-sql",
    "application/x-perl": "text/x-perl text/x-perl-script",
    "application/x-ruby": "text/x-ruby text/x-ruby-script",
    "application/x-shockwave-flash": "application/vnd.adobe.flash.movie",
    "application/x-tar": "application/x-gtar",
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
    "audio/aac": "audio/x-aac audio/aacp audio/x-hx-aac-adts audio/vnd.dlna.adts",
    "audio/aiff": "audio/x-aiff",
    "audio/basic": "audio/au",
    "audio/flac": "audio/x-flac",
    "audio/midi": "audio/x-midi audio/mid",
    "audio/mp4": "audio/x-m4a audio/m4a audio/x-m4b audio/x-m4r audio/mp4a-latm",
    "audio/mpeg": "audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3 audio/x-mpeg-3 audio/mpg",
    "audio/ogg": "audio/x-vorbis+ogg audio/x-flac+ogg audio/x-speex+ogg",
    "audio/opus": "audio/x-opus+ogg",
    "audio/wav": "audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav",
    "font/otf": "application/x-font-otf application/x-font-opentype application/vnd.ms-opentype",
    "font/ttf": "application/x-font-ttf application/x-font-truetype font/sfnt application/font-sfnt",
    "font/woff": "application/font-woff application/x-font-woff",
    "font/woff2": "application/font-woff2",
    "image/bmp": "image/x-ms-bmp image/x-bmp",
    "image/gif": "image/x-gif image/x-citrix-gif",
    "image/jpeg": "image/jpg image/pjpeg image/x-jpeg image/x-jpg image/x-citrix-jpeg",
    "image/png": "image/x-png image/x-citrix-png",
    "image/x-portable-anymap": "image/x-portable-greymap",
    "image/svg+xml": "image/svg",
    "image/tiff": "image/tif image/x-tiff image/x-tif",
    "image/vnd.adobe.photoshop": "image/x-photoshop application/x-photoshop image/psd",
    "image/vnd.microsoft.icon": "image/x-icon image/ico",
    "image/webp": "image/x-webp",
    "text/calendar": "application/ics",
    "text/csv": "text/x-csv application/csv application/x-csv text/comma-separated-values",
    HTML: "application/html",
    "text/javascript": "application/javascript application/x-javascript text/x-javascript text/ecmascript",
    MARKDOWN: "text/x-markdown",
    "text/typescript": "application/typescript application/x-typescript text/x-typescript",
    "text/vcard": "text/x-vcard text/directory",
    "text/x-python": "text/x-python-script text/x-script.python application/x-python",
    SCRIPT: "application/x-sh application/x-shellscript text/x-sh application/x-csh text/x-script",
    MP4: "video/x-mp4 video/mpeg4",
    "video/mp2t": "video/vnd.dlna.mpeg-tts",
    "video/mpeg": "video/x-mpeg video/mpg",
    "video/ogg": "video/x-theora+ogg",
    "video/x-matroska": "video/matroska",
    "video/x-ms-asf": "application/vnd.ms-asf",
    "video/x-msvideo": "video/avi video/msvideo",
}
_NAMES = MappingProxyType({alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()})

_CHILDREN = {
    ZIP: (
        f"{DOCX} {XLSX} {PPTX} application/epub+zip application/java-archive model/3mf application/x-xpinstall "
        "application/vnd.google-earth.kmz application/x-wheel+zip"
    ),
    DOCX: (
        f"{_OOXML}wordprocessingml.template application/vnd.ms-word.document.macroenabled.12 "
        "application/vnd.ms-word.template.macroenabled.12"
    ),
    XLSX: (
        f"{_OOXML}spreadsheetml.template application/vnd.ms-excel.sheet.macroenabled.12 "
        "application/vnd.ms-excel.sheet.binary.macroenabled.12 application/vnd.ms-excel.template.macroenabled.12 "
        "application/vnd.ms-excel.addin.macroenabled.12"
    ),
    PPTX: (
        f"{_OOXML}presentationml.slideshow {_OOXML}presentationml.template "
        "application/vnd.ms-powerpoint.presentation.macroenabled.12 "
        "application/vnd.ms-powerpoint.slideshow.macroenabled.12 "
        "application/vnd.ms-powerpoint.template.macroenabled.12 application/vnd.ms-powerpoint.addin.macroenabled.12"
    ),
    "application/java-archive": "application/vnd.android.package-archive",
    GZIP: "application/x-tgz application/x-compressed-tar application/x-gtar-compressed",
    OLE: (
        "application/msword application/vnd.ms-excel application/vnd.ms-powerpoint application/vnd.ms-outlook "
        "application/vnd.ms-project application/x-msi application/vnd.ms-works application/vnd.visio"
    ),
    "application/postscript": "application/eps image/x-eps",
    MP4: "audio/mp4 application/mp4 video/x-m4v video/x-f4v video/quicktime video/3gpp video/3gpp2",
    "video/3gpp": "audio/3gpp",
    "video/3gpp2": "audio/3gpp2",
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
        "image/x-samsung-srw image/x-epson-erf image/x-hasselblad-3fr image/x-kodak-dcr image/x-phaseone-iiq"
    ),
    XML: "image/svg+xml application/xhtml+xml application/mathml+xml text/xsl",
    TEXT: (
        f"{XML} application/json application/yaml application/toml application/sql application/rtf "
        "application/postscript application/x-httpd-php application/x-subrip application/x-ndjson "
        "application/vnd.apple.mpegurl application/x-mpegurl audio/mpegurl audio/x-mpegurl message/rfc822 "
        "image/x-xpixmap image/x-xbitmap multipart/related application/x-bat "
        "application/x-asp application/x-jsp application/x-htaccess application/xml-dtd image/x-portable-anymap "
        "model/obj model/gltf+json model/step chemical/x-pdb application/x-tex application/x-pem-file"
    ),
    "image/x-portable-anymap": "image/x-portable-bitmap image/x-portable-graymap image/x-portable-pixmap",
    SCRIPT: (
        "text/x-python application/x-perl application/x-ruby application/x-cgi application/x-powershell "
        "text/javascript text/typescript"
    ),
}
_PARENTS = MappingProxyType({child: parent for parent, children in _CHILDREN.items() for child in children.split()})
_SUFFIXES = MappingProxyType({"xml": XML, "json": "application/json", "zip": ZIP, "gzip": GZIP})  # RFC 6839

NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"  # RFC 6838 §4.2, in lower case
_TYPE = re.compile(f"{NAME}/{NAME}")

_RUN = frozenset({XML, HTML, "text/javascript", "text/xsl", "application/x-shockwave-flash"})


_GENERIC = frozenset({
    *("", "*/*", UNKNOWN, "binary/octet-stream", "application/x-octet-stream", "application/binary"),
    *("application/x-binary", "application/unknown", "application/x-unknown", "application/force-download"),
    *("application/download", "application/x-download", "application/x-compressed"),
})  # fmt: skip


def normal(media_type: str | None) -> str | None:
    """Return the one name of a media type, without parameters, in lower case; None for what says nothing, or is none.

    Example:
        >>> normal("Image/JPG; q=1"), normal("application/octet-stream")
        ('image/jpeg', None)
    """
    bare = (media_type or "").partition(";")[0].strip().lower()
    return None if bare in _GENERIC or _TYPE.fullmatch(bare) is None else _NAMES.get(bare, bare)


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
