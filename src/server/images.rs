//! The images that a request names by address.

use crate::error::Error;
use crate::fetch::{self, Failed, Fetched, ImageFetcher};
use crate::openai::InvalidRequest;
use crate::openai::media::image_addresses;
use crate::openai::message::Message;

/// Fetches every image that `messages` name by address.
///
/// # Errors
/// A 400 that names the part whose image cannot be had, or a 503 when too many are being fetched.
pub(super) async fn fetch(
    fetcher: &ImageFetcher,
    messages: &[Message<'_>],
) -> Result<Fetched, Error> {
    let named = image_addresses(messages);
    let addresses: Vec<&str> = named.iter().map(|image| image.address).collect();
    let Failed { address, error } = match fetcher.fetch_all(&addresses).await {
        Ok(images) => return Ok(images),
        Err(failed) => failed,
    };
    if error == fetch::Error::Busy {
        return Err(Error::Unavailable("too many images are being fetched"));
    }
    let image = named.iter().find(|image| image.address == address);
    let param = image.map_or_else(
        || "messages".to_owned(),
        |image| {
            let (message, part) = (image.message, image.part);
            format!("messages[{message}].content[{part}].image_url.url")
        },
    );
    let message = format!("The image in '{param}' cannot be fetched: {error}.");
    Err(InvalidRequest::value(param, message).into())
}
