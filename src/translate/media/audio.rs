//! Sound.

use super::Media;
use super::data::{Data, Labelled, is_data_url};
use super::label;
use super::place::Place;
use crate::bedrock::request::{AudioBlock, ContentBlock, MediaSource};
use crate::openai::InvalidRequest;
use crate::openai::media::InputAudio;

/// What sound must be.
const FORMATS: &str = "it is none of the formats that Bedrock takes: mp3, opus, wav, aac, flac, mp4, ogg, mkv, mka, \
                       x-aac, m4a, mpeg, mpga, pcm, webm.";

impl<'a> Media<'_, 'a> {
    /// The sound of an `input_audio` part. Base64 text is copied, not decoded.
    ///
    /// # Errors
    /// For models that hear nothing, and for what is no sound that Bedrock takes.
    pub(in crate::translate) fn audio(
        &self,
        audio: InputAudio<'a>,
        place: Place,
    ) -> Result<ContentBlock<'a>, InvalidRequest> {
        if !self.family.audio {
            return Err(place.unsupported("This model does not take audio."));
        }
        let format = audio.format.to_ascii_lowercase();
        let name = format.strip_prefix("audio/").unwrap_or(&format);
        let known = label::audio(name).or_else(|| label::audio(name.trim_start_matches("x-")));
        let format = known.ok_or_else(|| place.wrong("audio", "input_audio.format", FORMATS))?;
        let data = if is_data_url(&audio.data) {
            Labelled::read(audio.data).map(|labelled| labelled.data)
        } else {
            Data::read(audio.data)
        };
        let data = data.map_err(|fault| place.wrong("audio", "input_audio.data", fault))?;
        let source = MediaSource::Bytes(data.into_base64());
        Ok(ContentBlock::Audio(AudioBlock { format, source }))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::bedrock::Family;
    use crate::translate::Elsewhere;

    const VOXTRAL: &str = "mistral.voxtral-small-24b-2507";

    fn read(
        data: &'static str,
        format: &'static str,
        model: &str,
    ) -> Result<&'static str, InvalidRequest> {
        let audio = InputAudio {
            data: Cow::Borrowed(data),
            format: Cow::Borrowed(format),
        };
        let place = Place {
            message: 0,
            part: 0,
        };
        let family = Family::of(Some(model));
        match Media::new(&family, Elsewhere::default()).audio(audio, place)? {
            ContentBlock::Audio(audio) => Ok(audio.format),
            block => panic!("{block:?} is no sound"),
        }
    }

    #[test]
    fn formats_go_by_converses_names() {
        for (format, expected) in [
            ("wav", "wav"),
            ("MP3", "mp3"),
            ("audio/x-wav", "wav"),
            ("x-aac", "x-aac"),
            ("pcm16", "pcm"),
        ] {
            assert_eq!(read("aGk=", format, VOXTRAL).unwrap(), expected);
        }
        assert_eq!(
            read("data:audio/wav;base64,aGk=", "wav", VOXTRAL).unwrap(),
            "wav"
        );
    }

    #[test]
    fn what_cannot_be_heard_is_refused_with_its_path() {
        for (data, format, model, param) in [
            ("aGk=", "midi", VOXTRAL, ".input_audio.format"),
            ("%", "wav", VOXTRAL, ".input_audio.data"),
            (
                "https://example.com/a.wav",
                "wav",
                VOXTRAL,
                ".input_audio.data",
            ),
            ("aGk=", "wav", "anthropic.claude-sonnet-5", ""),
            ("aGk=", "wav", "amazon.nova-pro-v1:0", ""),
        ] {
            let refused = read(data, format, model).unwrap_err();
            let expected = format!("messages[0].content[0]{param}");
            assert_eq!(refused.param, Some(expected), "{data} {format}");
        }
    }
}
