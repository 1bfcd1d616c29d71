use serde_json::json;

use super::{
    CLAUDE, FLOATING, NOVA, assistant, call, long, points, request, result, system, user,
    with_tools,
};

#[test]
fn tools_system_and_the_last_two_user_turns_get_a_point() {
    let mut messages = vec![system(&long("Be brief.")), user("Read a.")];
    assert_eq!(
        points(CLAUDE, &with_tools(messages.clone())),
        ["tools/2", "system/1", "0/1"]
    );
    messages.extend([call("a"), result("a")]);
    assert_eq!(
        points(CLAUDE, &with_tools(messages.clone())),
        ["tools/2", "system/1", "0/1", "2/1"]
    );
    messages.extend([assistant("Done."), user("Read b."), call("b"), result("b")]);
    assert_eq!(
        points(CLAUDE, &with_tools(messages.clone())),
        ["tools/2", "system/1", "4/1", "6/1"]
    );
}

#[test]
fn a_question_alone_is_not_cached() {
    let question = vec![system(&long("Be brief.")), user("Hi"), user("there")];
    assert!(points(CLAUDE, &request(question.clone())).is_empty());
    let follow_up = [question, vec![assistant("Hello."), user("And?")]].concat();
    assert_eq!(
        points(CLAUDE, &request(follow_up)),
        ["system/1", "0/2", "2/1"]
    );
}

#[test]
fn a_prefix_below_the_models_minimum_gets_no_point() {
    let history = |system_length: usize, question_length: usize| {
        request(vec![
            system(&"x".repeat(system_length)),
            user(&"y".repeat(question_length)),
            assistant("z"),
            user("And?"),
        ])
    };
    // Four bytes are a token: 512 tokens for this Claude, 1000 for Nova.
    assert!(points(CLAUDE, &history(1000, 1043)).is_empty());
    assert_eq!(points(CLAUDE, &history(1000, 1048)), ["0/1", "2/1"]);
    assert_eq!(
        points(CLAUDE, &history(2048, 8)),
        ["system/1", "0/1", "2/1"]
    );
    assert!(points(NOVA, &history(2048, 1943)).is_empty());
    assert_eq!(points(NOVA, &history(2048, 1952)), ["0/1", "2/1"]);
}

#[test]
fn a_picture_is_not_as_long_as_its_base64() {
    let picture = format!(
        "data:image/png;base64,iVBORw0KGgoAAAAN{}",
        "A".repeat(400_000)
    );
    let question = json!({"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": picture}},
    ]});
    let history = request(vec![question.clone(), assistant("A cat."), user("Sure?")]);
    assert!(points(CLAUDE, &history).is_empty());
    let history = request(vec![
        question.clone(),
        assistant("A cat."),
        question,
        assistant("Yes."),
        user("Sure?"),
    ]);
    assert_eq!(points(CLAUDE, &history), ["2/1", "4/1"]);
}

#[test]
fn a_text_file_is_as_long_as_its_text() {
    let history = |length: usize, name: &str| {
        let file = json!({"filename": name, "file_data": "c29t".repeat(length / 3)});
        let read = json!({"role": "user", "content": [
            {"type": "file", "file": file}, {"type": "text", "text": "Read."},
        ]});
        request(vec![read, assistant("Done."), user("And?")])
    };
    // 100 kB of text are some 20,000 tokens, and this Claude caches from 4096 on.
    let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
    for name in ["a.txt", "a.md", "a.csv"] {
        assert_eq!(
            points(haiku, &history(100_000, name)),
            ["0/2", "2/1"],
            "{name}"
        );
        assert!(points(haiku, &history(15_000, name)).is_empty(), "{name}");
    }
}

#[test]
fn what_a_client_moves_to_the_end_stays_behind_the_point() {
    let history = vec![system(&long("Be brief.")), user("Read a.")];
    let asking = [history.clone(), vec![user(FLOATING)]].concat();
    assert_eq!(
        points(CLAUDE, &with_tools(asking)),
        ["tools/2", "system/1", "0/1"]
    );
    let history = [history, vec![call("a"), result("a")]].concat();
    let answered = [history.clone(), vec![user(FLOATING)]].concat();
    assert_eq!(
        points(CLAUDE, &with_tools(answered)),
        ["tools/2", "system/1", "0/1", "2/1"]
    );
    // The turn holds nothing else.
    let history = [history, vec![assistant("Done.")]].concat();
    let alone = [history.clone(), vec![user(FLOATING)]].concat();
    assert_eq!(
        points(CLAUDE, &with_tools(alone)),
        ["tools/2", "system/1", "0/1", "2/1"]
    );
    // A reminder from the operator, which this client keeps where it was.
    let said = system("Be brief, I said.");
    let reminded = [
        history,
        vec![user("And b?"), said, assistant("What?"), user("b!")],
    ]
    .concat();
    assert_eq!(
        points(CLAUDE, &with_tools(reminded)),
        ["tools/2", "system/1", "4/1", "6/1"]
    );
}

#[test]
fn the_halves_of_a_split_turn_count_as_one() {
    let mut messages = vec![system(&long("Be brief.")), user("Read a.")];
    messages.extend([call("a"), result("a")]);
    assert_eq!(
        points(CLAUDE, &with_tools(messages.clone())),
        ["tools/2", "system/1", "0/1", "2/1"]
    );
    // Claude takes no document beside a result, so that this turn becomes two with one of the assistant's between.
    let file = json!({"filename": "b.txt", "file_data": "aGk="});
    let document = json!({"role": "user", "content": [
        {"type": "file", "file": file}, {"type": "text", "text": "And b?"},
    ]});
    messages.extend([call("b"), result("b"), document]);
    assert_eq!(
        points(CLAUDE, &with_tools(messages)),
        ["tools/2", "system/1", "2/1", "6/2"]
    );
}

#[test]
fn a_turn_that_only_asks_the_model_to_go_on_gets_no_point() {
    let messages = vec![user(&long("Tell me.")), assistant("Once upon")];
    assert_eq!(points(CLAUDE, &request(messages)), ["0/1"]);
}

#[test]
fn nova_has_points_in_the_system_prompt_and_between_texts_only() {
    let mut messages = vec![system(&long("Be brief.")), user("Read a.")];
    assert_eq!(
        points(NOVA, &with_tools(messages.clone())),
        ["system/1", "0/1"]
    );
    messages.extend([call("a"), result("a"), user(FLOATING)]);
    assert_eq!(
        points(NOVA, &with_tools(messages.clone())),
        ["system/1", "0/1"]
    );
    messages.extend([assistant("Done."), user("And b?")]);
    assert_eq!(
        points(NOVA, &with_tools(messages)),
        ["system/1", "0/1", "4/1"]
    );
}
