//! Server-sent events as a strict client reads them.

use serde_json::Value;

/// What a streamed answer was.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) chunks: Vec<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) done: bool,
}

impl Events {
    /// Reads a whole body. Everything that a strict parser would stumble over stops the test, and so does
    /// anything behind the end.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body = std::str::from_utf8(body).unwrap();
        let mut events = Self::default();
        assert!(body.is_empty() || body.ends_with("\n\n"), "{body:?}");
        for event in body.split_terminator("\n\n") {
            assert!(
                !events.done && events.error.is_none(),
                "more after the end: {body}"
            );
            let data = event.strip_prefix("data: ").unwrap();
            assert!(!data.contains('\n'), "{data:?}");
            if data == "[DONE]" {
                events.done = true;
                continue;
            }
            let mut value: Value = serde_json::from_str(data).unwrap();
            match value.get_mut("error") {
                Some(error) => events.error = Some(error.take()),
                None => events.chunks.push(value),
            }
        }
        events
    }

    fn deltas(&self) -> impl Iterator<Item = &Value> {
        self.chunks
            .iter()
            .filter_map(|chunk| chunk.pointer("/choices/0/delta"))
    }

    fn joined(&self, member: &str) -> String {
        self.deltas()
            .filter_map(|delta| delta[member].as_str())
            .collect()
    }

    pub(crate) fn content(&self) -> String {
        self.joined("content")
    }

    pub(crate) fn reasoning(&self) -> String {
        self.joined("reasoning_content")
    }

    /// The calls put together as a client does it: id, name and arguments.
    pub(crate) fn tool_calls(&self) -> Vec<(String, String, String)> {
        let mut calls = Vec::new();
        for call in self
            .deltas()
            .filter_map(|delta| delta["tool_calls"].as_array())
            .flatten()
        {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            let text = |pointer: &str| {
                call.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            if index == calls.len() {
                assert_eq!(call["type"], "function");
                calls.push((
                    text("/id"),
                    text("/function/name"),
                    text("/function/arguments"),
                ));
            } else {
                calls[index].2 += &text("/function/arguments");
            }
        }
        calls
    }

    /// All finish reasons that are not null.
    pub(crate) fn finish_reasons(&self) -> Vec<&str> {
        let reasons = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk.pointer("/choices/0/finish_reason")?.as_str());
        reasons.collect()
    }

    /// All usages that are not null.
    pub(crate) fn usages(&self) -> Vec<&Value> {
        let usages = self.chunks.iter().filter_map(|chunk| chunk.get("usage"));
        usages.filter(|usage| !usage.is_null()).collect()
    }

    /// Stops the test unless the answer is whole: one finish reason, no error, `[DONE]`, and the same head everywhere.
    pub(crate) fn assert_whole(&self, finish_reason: &str) {
        assert_eq!((self.done, &self.error), (true, &None), "{self:?}");
        assert_eq!(self.finish_reasons(), [finish_reason]);
        let first = &self.chunks[0];
        assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
        for chunk in &self.chunks {
            for member in ["id", "created", "model", "object"] {
                assert_eq!(chunk[member], first[member]);
            }
        }
        assert_eq!(first["object"], "chat.completion.chunk");
        let roles = self.deltas().filter(|delta| delta.get("role").is_some());
        assert_eq!(roles.count(), 1);
    }

    /// Stops the test unless the answer failed as one must fail: one error event with `code`, no `[DONE]`, no finish reason.
    pub(crate) fn assert_failed(&self, code: Option<&str>) {
        assert!(!self.done, "{self:?}");
        assert!(self.finish_reasons().is_empty(), "{self:?}");
        let error = self
            .error
            .as_ref()
            .unwrap_or_else(|| panic!("no error event: {self:?}"));
        assert_eq!(error["code"].as_str(), code, "{error}");
        assert!(
            error["message"].is_string() && error["type"].is_string(),
            "{error}"
        );
        assert!(error["param"].is_null(), "{error}");
    }
}
