//! What a media type or a file's name says a medium is.

/// What a label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Text in this document format of Converse's.
    Text(&'static str),
    /// A PDF.
    Pdf,
    /// A text document of an office suite.
    Word,
    /// A table of an office suite.
    Excel,
    /// An image.
    Image,
    /// A video in this format of Converse's.
    Video(&'static str),
    /// Sound in this format of Converse's.
    Audio(&'static str),
}

/// What a media type says, in lower case and without parameters.
pub(super) fn of_media_type(name: &str) -> Option<Label> {
    Some(match name {
        "application/pdf" | "application/x-pdf" => Label::Pdf,
        "application/msword"
        | "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Label::Word,
        "application/vnd.ms-excel"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Label::Excel,
        "text/csv" | "application/csv" => Label::Text("csv"),
        "text/html" | "application/xhtml+xml" => Label::Text("html"),
        "text/markdown" | "text/x-markdown" => Label::Text("md"),
        // Other text is text as well: programs, tables, configuration.
        "application/json"
        | "application/x-ndjson"
        | "application/xml"
        | "application/yaml"
        | "application/x-yaml"
        | "application/toml"
        | "application/javascript"
        | "application/x-sh" => Label::Text("txt"),
        _ => {
            let (kind, format) = name.split_once('/')?;
            match kind {
                "text" => Label::Text("txt"),
                "image" => Label::Image,
                "video" => Label::Video(video(format.trim_start_matches("x-"))?),
                "audio" => Label::Audio(audio(format.trim_start_matches("x-"))?),
                _ => return None,
            }
        }
    })
}

/// What the extension of a file's name says.
pub(super) fn of_name(name: &str) -> Option<Label> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    Some(match extension.as_str() {
        "pdf" => Label::Pdf,
        "doc" | "docx" => Label::Word,
        "xls" | "xlsx" => Label::Excel,
        "csv" => Label::Text("csv"),
        "html" | "htm" => Label::Text("html"),
        "md" | "markdown" => Label::Text("md"),
        "txt" | "text" | "log" | "json" | "jsonl" | "xml" | "yaml" | "yml" | "toml" => {
            Label::Text("txt")
        }
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "bmp" | "tiff" | "heic" => Label::Image,
        // Names that video and sound share mean video, which is what people call so.
        extension => match video(extension) {
            Some(format) => Label::Video(format),
            None => Label::Audio(audio(extension)?),
        },
    })
}

/// The format of Converse's for a video's subtype or extension.
pub(super) fn video(name: &str) -> Option<&'static str> {
    Some(match name {
        "mkv" | "matroska" => "mkv",
        "mov" | "quicktime" => "mov",
        "mp4" | "m4v" => "mp4",
        "webm" => "webm",
        "flv" => "flv",
        "mpeg" => "mpeg",
        "mpg" => "mpg",
        "wmv" | "ms-wmv" | "ms-asf" => "wmv",
        "three_gp" | "3gp" | "3gpp" => "three_gp",
        _ => return None,
    })
}

/// The format of Converse's for a sound's subtype, extension, or `format`.
pub(super) fn audio(name: &str) -> Option<&'static str> {
    Some(match name {
        "mp3" => "mp3",
        "opus" => "opus",
        "wav" | "wave" => "wav",
        "aac" => "aac",
        "x-aac" => "x-aac",
        "flac" => "flac",
        "mp4" => "mp4",
        "ogg" | "oga" => "ogg",
        "mkv" => "mkv",
        "mka" | "matroska" => "mka",
        "m4a" => "m4a",
        "mpeg" => "mpeg",
        "mpga" => "mpga",
        "pcm" | "pcm16" | "l16" => "pcm",
        "webm" => "webm",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_and_extensions_name_converses_formats() {
        for (media_type, expected) in [
            ("application/pdf", Some(Label::Pdf)),
            ("application/msword", Some(Label::Word)),
            ("text/plain", Some(Label::Text("txt"))),
            ("text/markdown", Some(Label::Text("md"))),
            ("text/csv", Some(Label::Text("csv"))),
            ("text/x-rust", Some(Label::Text("txt"))),
            ("application/json", Some(Label::Text("txt"))),
            ("image/svg+xml", Some(Label::Image)),
            ("video/quicktime", Some(Label::Video("mov"))),
            ("video/3gpp", Some(Label::Video("three_gp"))),
            ("video/x-matroska", Some(Label::Video("mkv"))),
            ("audio/x-wav", Some(Label::Audio("wav"))),
            ("audio/mpeg", Some(Label::Audio("mpeg"))),
            ("application/octet-stream", None),
            ("application/zip", None),
            ("", None),
        ] {
            assert_eq!(of_media_type(media_type), expected, "{media_type}");
        }
        for (name, expected) in [
            ("Report.PDF", Some(Label::Pdf)),
            ("a.b.docx", Some(Label::Word)),
            ("a.xls", Some(Label::Excel)),
            ("README.md", Some(Label::Text("md"))),
            ("a.htm", Some(Label::Text("html"))),
            ("a.mp4", Some(Label::Video("mp4"))),
            ("a.mp3", Some(Label::Audio("mp3"))),
            ("a.jpg", Some(Label::Image)),
            ("a.exe", None),
            ("Makefile", None),
        ] {
            assert_eq!(of_name(name), expected, "{name}");
        }
    }
}
