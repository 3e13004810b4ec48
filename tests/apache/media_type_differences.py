"""Where our media types differ from WhiteNoise's own table and from Debian's /etc/mime.types."""

OCTETS = "application/octet-stream"

# WhiteNoise's table has another type: extension or whole name -> (theirs, ours, why).
OTHER_THAN_WHITENOISE = {
    "apple-app-site-association": (
        "application/pkc7-mime", "application/pkcs7-mime",
        "Theirs is a slip of the pen: RFC 8551 names pkcs7-mime."),
    "bmp": ("image/x-ms-bmp", "image/bmp", "Registered by RFC 7903."),
    "ico": ("image/x-icon", "image/vnd.microsoft.icon",
            "Registered with IANA; browsers take both."),
    "m4a": ("audio/x-m4a", "audio/mp4", "Registered by RFC 4337."),
    "m4v": ("video/x-m4v", "video/mp4", "Registered by RFC 4337; every browser plays it as such."),
    "rar": ("application/x-rar-compressed", "application/vnd.rar", "Registered with IANA."),
    "woff": ("application/font-woff", "font/woff",
             "RFC 8081 replaces application/font-woff by font/woff."),
}

# WhiteNoise has no type and says application/octet-stream.
NOT_IN_WHITENOISE = {
    "Scripts: under nosniff a browser runs no other type than JavaScript's (RFC 9239).": "cjs es",
    "Text and data formats with a registered type, which browsers show and tools recognise.":
        "csv geojson gpx ics jsonld markdown nt parquet rdf text toml tsv ttl vcard vcf wgsl yaml"
        " yml",
    "JSON in a file of another name: source maps and topologies.": "map topojson",
    "XML that a browser shows or transforms.": "xht xhtm xsd xsl xslt",
    "The manifest of a web application: its specification demands this type.": "webmanifest",
    "Fonts, under the types of RFC 8081.":
        "otf ttc ttf",
    "Images that a browser decodes, or a 3D scene refers to by its type.":
        "apng cur heic heics heif heifs jfif jpe jxl ktx ktx2",
    "Audio and video that browsers play, under the types by which they name them.":
        "aac aif aiff flac m3u m4s mka mkv mpd mpe mpga oga ogv opus qt wav weba",
    "Subtitles: a track is read as text/vtt; the others are shown as text or read by a player.":
        "srt ttml vtt",
    "Translations, which are text in UTF-8.": "po pot",
    "3D models; Apple's viewer opens a USDZ by its type alone.":
        "dae glb gltf mtl obj stl usda usdz",
    "Vector tiles and columns of data, with registered types.": "arrow arrows mvt",
    "What a telephone installs or a wallet takes, by its type alone.": "apk mobileconfig pkpass",
    "Archives and books, under the types that a desktop opens them by.":
        "bz2 epub gz tar tgz zst",
}

# Debian has another type, or several: extension -> (theirs, ours, why).
OTHER_THAN_DEBIAN = {
    "aif": ("audio/x-aiff", "audio/aiff", "The type of the MIME Sniffing standard."),
    "aiff": ("audio/x-aiff", "audio/aiff", "The type of the MIME Sniffing standard."),
    "asf": ("application/vnd.ms-asf", "video/x-ms-asf", "As WhiteNoise and nginx; a video."),
    "deb": ("application/vnd.debian.binary-package", OCTETS, "As nginx: a download."),
    "dmg": ("application/x-apple-diskimage", OCTETS, "As nginx: a download."),
    "exe": ("application/x-msdos-program", OCTETS, "As nginx: a download."),
    "iso": ("application/x-iso9660-image", OCTETS, "As nginx: a download."),
    "mid": ("audio/sp-midi", "audio/midi", "As WhiteNoise: sp-midi is a profile of few files."),
    "mkv": ("video/x-matroska", "video/matroska", "Registered by RFC 9559."),
    "mml": ("application/mathml+xml", "text/mathml", "As WhiteNoise and nginx."),
    "msi": ("application/x-msi", OCTETS, "As nginx: a download."),
    "msm": ("model/vnd.gdl", OCTETS, "As nginx: a part of Windows' installer."),
    "pdb": ("application/vnd.palm chemical/x-pdb", "application/x-pilot",
            "As WhiteNoise; one of several formats of that name."),
    "pem": ("application/pem-certificate-chain", "application/x-x509-ca-cert", "As WhiteNoise."),
    "pl": ("text/x-perl", "application/x-perl", "As WhiteNoise: a download."),
    "pm": ("text/x-perl", "application/x-perl", "As WhiteNoise: a download."),
    "prc": ("model/prc", "application/x-pilot", "As WhiteNoise; e-books are the usual ones."),
    "ra": ("audio/x-pn-realaudio", "audio/x-realaudio", "As WhiteNoise; neither is registered."),
    "rss": ("application/x-rss+xml", "application/rss+xml",
            "The type that feed readers and browsers look for."),
    "swf": ("application/vnd.adobe.flash.movie", "application/x-shockwave-flash",
            "As WhiteNoise; no browser runs either."),
    "tk": ("text/x-tcl", "application/x-tcl", "As WhiteNoise: a download."),
    "ts": ("text/vnd.trolltech.linguist", "video/mp2t",
           "Segments of HTTP live streams (RFC 8216); translations are not served."),
    "wav": ("audio/x-wav", "audio/wav", "Neither is registered; browsers take both."),
    "xml": ("application/xml", "text/xml", "As WhiteNoise; the same to RFC 7303."),
    "xsl": ("application/xslt+xml", "text/xml", "Every browser takes a style sheet of this type."),
    "tgz": ("application/x-gtar-compressed", "application/gzip", "As for .gz, and registered."),
}

# Debian has a type for a suffix of two parts; we go by the last one.
TWO_PARTS = {
    "The last part names a syntax of which theirs is a kind (RFC 6839): nothing is misread.":
        "cwl.json sarif.json sarif-external-properties.json spdx.json syft.json tm.json tm.jsonld"
        " gpkg.tar",
}

# Debian has a type and we have none: what browsers load is judged one by one ...
NOT_OURS = {
    # images
    "Raw photographs, and formats of drawing and publishing programs: no browser decodes them.":
        "cr2 crw erf nef orf psd xcf cdr pat cdt cpt art pcx azv dwg dxf fbs fpx fst mmr rlc pgb"
        " PGB mdi wmf emf cgm drle dpx fit fits fts ief btf btif pti tfx xif tap vtf b16 djv djvu",
    "JPEG 2000, XR, XS, LS and XT: none is decoded by all browsers, most by none.":
        "hej2 hsj2 jls jp2 jpg2 jph jhc jphc jpm jpgm jpx jpf jxr jxra jxrs jxs jxsc jxsi jxss",
    "HEIF as cameras name it, or with other codecs: read by no browser.": "avci avcs hif",
    "Bitmaps of workstations: no browser decodes them any more.":
        "pnm pbm pgm ppm ras rgb xbm xpm xwd",
    "High dynamic range maps: scripts fetch them, and ask for no type.": "exr hdr rgbe xyze",
    # audio
    "Raw or broadcast audio and codecs of telephones: no browser plays the bare file.":
        "726 ac3 adts amr AMR awb AWB acn aal atx at3 aa3 omg evc qcp QCP evb enw evw lbc l16 mhas"
        " loas xhe smv sofa dls eol lvp vbk ecelp4800 ecelp7470 ecelp9600 gsm mlp dts dtshd axa"
        " koz multitrack plj rip",
    "Old audio of Unix and Amiga computers, scores and instruments: no browser plays it.":
        "au snd csd orc sco mxmf sid psid sd2 aifc",
    "Old names of MPEG and Ogg audio; a player takes them by content.": "mp1 mp2 mpega spx",
    "Windows Media, RealAudio, their play lists: no browser plays them.": "wax wma rm ram pls",
    "A subtitle format of players; Debian's type is of an audio codec.": "ass",
    # video
    "Video of cameras, games and programs that browsers never played.":
        "axv dif dv fli gl mj2 mjp2 dvb fvt nim bik bk2 smk viv movie mpv",
    "MPEG in other wrappings: no browser plays the elementary stream.": "m1v m2v mpg4 mxu m4u",
    "Windows Media: no browser plays it.": "lsf lsx wm wmx wvx",
    "A page of YouTube, not a file.": "yt",
    # both, and pictures: formats of one vendor
    "Formats of rights management of one vendor, which no browser opens.":
        "uva uvva uvh uvvh uvm uvvm uvu uvvu uvp uvvp uvs uvvs uvv uvvv uvi uvvi uvg uvvg pya pyv"
        " spng spn s1n sgif sgi s1g sjpg sjp s1j smp3 smp s1m smpg s11 s14 sswf ssw smov smo s1q",
    # text
    "Source text: downloaded rather than shown, so that a form of it is nobody's page.":
        "csh sh h++ hpp hxx hh c++ cpp cxx cc h c diff patch d hs java ly lhs moc p pas gcd py"
        " scala tex ltx sty cls bib boo tm etx t tr roff gv dot a ascii curl cnd mc2 wmls",
    "Application cache: removed from browsers.": "appcache manifest",
    "Debian's type is that of another format than the usual one of this name.":
        "rst tag dsc abc ccc copyright dms flt fly flx hans si sl spo spot",
    "Formats of single programs and trades: read by them, from a download.":
        "CQL VFK csvs soa zone gff3 miz n3 brf provn sgml sgm shaclc shc shex spdx ged hgl 3dml 3dm"
        " jtd mpf sfv sos uri uris",
    "Calendars of an older form, and busy times alone.": "ifb vcs",
    # JSON and XML
    "JSON of single programs and trades: read by them, whatever the type.":
        "jrd json-patch sarif sarif-external-properties scim senml senml-etchj sensml stix jsontd"
        " jsontm artisan ign ignition docjson carjson grd lasjson ppttc aion vtnstd vcj",
    "Parts of XML documents, which no browser loads.": "dtd ent mod",
    "Web services, which answer by themselves and are no files.":
        "wsdl wadl wspolicy xop hal atomcat atomdeleted atomsrv atomsvc xcs",
    "XML user interfaces and media that browsers do not have or no longer have.":
        "xul smi smil sml vxml ssml grxml xhvml xvml xvm mxml emma emotionml ink inkml x3d x3dz",
    "XML of single programs and trades: read by them, from a download.":
        "dwd held rsat apxml ccmp ccxml cellml cml clue cpl davmount xmls xdssc fdt gml its lgr"
        " lostxml lostsyncxml mads mrcx meta4 mets maei musd mods opf relo provx xsf"
        " pskcxml rif rl rld rfcxml rs rapd sls rusd senmlx sensmlx shf cl srx sru swidtag tei"
        " teiCorpus odd tfi gsheet rsheet td uis 1km xdp dist distz pkg mpkg bmml cdxml csl wbs uvt"
        " uvvt es3 et3 zmm irp lasxml lbe dd2 obgx osm link66 fo sdkm sdkd scl xsm xdm ddf"
        " uoml uo zaz wif xav xca xdf xel xer xns xlf yin stpx moml",
}

# ... and what they only save is covered by its kind: how the type begins -> why.
NEVER_LOADED = {
    "application/": "A browser saves it under its name, whatever the type; a script that fetches"
                    " it does not look at the type.",
    "chemical/": "Read by laboratory programs, from a download.",
    "message/": "Mail: shown in a browser it would be somebody else's page.",
    "model/": "Read by construction programs, from a download.",
    "multipart/": "Mail and archives of pages: shown in a browser they would be somebody else's.",
}
LOADED = ("image/", "audio/", "video/", "font/", "text/")


def is_loaded(media_type):
    """Whether browsers load or show this kind, so that each extension has to be judged."""
    plain = media_type.startswith(LOADED)
    return plain or media_type.endswith(("+json", "+xml", "/json", "/xml", "/wasm", "xml-dtd",
                                         "external-parsed-entity"))


def listed(groups):
    """{extension: why} of a table whose keys are the reasons."""
    return {extension: why for why, names in groups.items() for extension in names.split()}
