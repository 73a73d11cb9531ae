"""The one list of the formats that are read, for the page, the command line and every sentence.

A file's content decides its format, never its name; the names serve to find pictures in a folder and for messages.
"""

PICTURE_FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif"),
    "PNG": ("png", "apng"),
    "GIF": ("gif",),
    "WebP": ("webp",),
    "AVIF": ("avif", "avifs"),
    "TIFF": ("tif", "tiff", "btf", "tf8"),
    "BMP": ("bmp", "dib"),
}
VIDEO_FORMATS: dict[str, tuple[str, ...]] = {
    "MP4": ("mp4", "m4v", "3gp", "3g2"),
    "MOV": ("mov",),
    "MKV": ("mkv",),
    "WebM": ("webm",),
    "AVI": ("avi",),
    "MPEG": ("mpg", "mpeg", "m1v", "m2v", "mpv"),
    "TS": ("ts", "mts", "m2ts"),
    "FLV": ("flv",),
    "OGG": ("ogv", "ogg"),
    "WMV": ("wmv", "asf"),
    "Y4M": ("y4m",),
    "H.264": ("h264", "264", "avc"),
    "HEVC": ("hevc", "h265", "265"),
    "MJPEG": ("mjpeg", "mjpg"),
}

PICTURE_EXTENSIONS = tuple(ending for endings in PICTURE_FORMATS.values() for ending in endings)
KNOWN_PICTURES = ", ".join(PICTURE_FORMATS)
KNOWN = f"{KNOWN_PICTURES}; {', '.join(VIDEO_FORMATS)}"
