//! What happens in one block of an answer.

use std::borrow::Cow;

/// One thing that happens in one block.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// The block's index among all blocks of the answer.
    pub(super) block: u32,
    pub(super) action: Action<'a>,
}

/// Tokens are JSON strings.
#[derive(Debug)]
pub(super) enum Action<'a> {
    Text {
        token: Cow<'a, str>,
        characters: usize,
    },
    Reasoning {
        token: Cow<'a, str>,
    },
    Citation {
        url: Cow<'a, str>,
        title: Cow<'a, str>,
    },
    CallStart {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    CallArguments {
        token: Cow<'a, str>,
    },
    BlockStop,
}

impl<'a> Step<'a> {
    pub(super) fn new(block: u32, action: Action<'a>) -> Self {
        Self { block, action }
    }

    pub(super) fn into_owned(self) -> Step<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let action = match self.action {
            Action::Text { token, characters } => Action::Text {
                token: own(token),
                characters,
            },
            Action::Reasoning { token } => Action::Reasoning { token: own(token) },
            Action::Citation { url, title } => Action::Citation {
                url: own(url),
                title: own(title),
            },
            Action::CallStart { id, name } => Action::CallStart {
                id: own(id),
                name: own(name),
            },
            Action::CallArguments { token } => Action::CallArguments { token: own(token) },
            Action::BlockStop => Action::BlockStop,
        };
        Step::new(self.block, action)
    }

    /// Bytes that holding the step back takes, its own size included.
    pub(super) fn length(&self) -> usize {
        size_of::<Self>()
            + match &self.action {
                Action::Text { token, .. }
                | Action::Reasoning { token }
                | Action::CallArguments { token } => token.len(),
                Action::Citation { url, title } => url.len() + title.len(),
                Action::CallStart { id, name } => id.len() + name.len(),
                Action::BlockStop => 0,
            }
    }
}
