//! A Converse answer, cut into the steps that a stream of it would have had.

use std::borrow::Cow;

use bytes::BytesMut;

use super::super::answer_error::AnswerError;
use super::super::response::{arguments, json_token, web_page};
use super::progress::{Phase, Progress};
use super::step::Action;
use crate::bedrock::JsonString;
use crate::bedrock::response::{ContentBlock, ConverseResponse, ToolUse};

impl Progress {
    pub(super) fn whole(
        &mut self,
        response: &ConverseResponse<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        if self.phase() != Phase::Open {
            return Ok(());
        }
        let message = response
            .output
            .as_ref()
            .and_then(|output| output.message.as_ref());
        let message = message.ok_or(AnswerError::NoOutput)?;
        let tier = response.service_tier.as_ref();
        self.served(tier, response.performance_config.as_ref());
        self.count(
            response.usage,
            tier.map(|tier| Cow::Borrowed(tier.kind.as_ref())),
        );
        for (block, content) in (0..).zip(&message.content) {
            self.collect(block, content);
            actions(content)
                .into_iter()
                .try_for_each(|action| self.step(block, action, out))?;
        }
        self.stop(&response.stop_reason, out)?;
        if self.phase() == Phase::Stopped {
            self.done(out);
        }
        Ok(())
    }
}

fn actions<'a>(content: &ContentBlock<'a>) -> Vec<Action<'a>> {
    let mut actions: Vec<_> = content.text.map(text).into_iter().collect();
    if let Some(cited) = &content.citations_content {
        let texts = cited.content.iter().filter_map(|piece| piece.text);
        actions.extend(texts.map(text));
        let pages = cited.citations.iter().filter_map(web_page);
        actions.extend(pages.map(|(url, title)| Action::Citation {
            url: Cow::Borrowed(url),
            title: Cow::Borrowed(title),
        }));
    }
    let reasoning = content.reasoning_content.as_ref();
    if let Some(text) = reasoning.and_then(|reasoning| reasoning.reasoning_text.as_ref()?.text) {
        actions.push(Action::Reasoning {
            token: Cow::Borrowed(text.token()),
        });
    }
    if let Some(call) = content
        .tool_use
        .as_ref()
        .filter(|call| !call.is_server_tool())
    {
        actions.extend(call_actions(call));
    }
    actions
}

fn text(text: JsonString<'_>) -> Action<'_> {
    Action::Text {
        token: Cow::Borrowed(text.token()),
        characters: text.character_count(),
    }
}

fn call_actions<'a>(call: &ToolUse<'a>) -> [Action<'a>; 3] {
    [
        Action::CallStart {
            id: call.tool_use_id.clone(),
            name: call.name.clone(),
        },
        Action::CallArguments {
            token: Cow::Owned(json_token(arguments(call.input))),
        },
        Action::BlockStop,
    ]
}
