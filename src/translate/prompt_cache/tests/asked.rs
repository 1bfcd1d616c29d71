use serde_json::json;

use super::{
    CLAUDE, FLOATING, NOVA, assistant, call, long, marked, points, request, result, seen, system,
    user, with_tools,
};

#[test]
fn points_of_the_clients_stand_where_they_were_set() {
    let part = |text: &str| json!({"type": "text", "text": text});
    let result =
        json!({"role": "tool", "tool_call_id": "a", "content": [marked(part("Result"), None)]});
    let messages = vec![
        json!({"role": "system", "content": [marked(part("Stable."), None), part("Dynamic.")]}),
        json!({"role": "user", "content": [marked(part("A book."), None), part("A question.")]}),
        marked(call("a"), None),
        result,
        user(FLOATING),
    ];
    let asked = seen(CLAUDE, &request(messages));
    assert_eq!(asked.points, ["system/1", "0/1", "1/1", "2/1"]);
    assert_eq!(asked.ignored, None);
}

#[test]
fn a_message_is_marked_behind_its_last_block() {
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    let mut answer = call("a");
    answer["content"] = parts.clone();
    let messages = vec![
        marked(json!({"role": "user", "content": parts}), None),
        marked(answer, None),
        marked(result("a"), None),
        marked(json!({"role": "system", "content": parts}), None),
    ];
    assert_eq!(
        points(CLAUDE, &request(messages)),
        ["0/2", "1/3", "2/1", "2/3"]
    );
}

#[test]
fn openais_breakpoints_are_points_as_well() {
    let part =
        json!({"type": "text", "text": "A book.", "prompt_cache_breakpoint": {"mode": "explicit"}});
    let messages = vec![json!({"role": "user", "content": [part, {"type": "text", "text": "?"}]})];
    let asked = seen(CLAUDE, &request(messages));
    assert_eq!(asked.points, ["0/1"]);
    assert_eq!(asked.ignored, None);
}

#[test]
fn what_holds_nothing_to_cache_is_ignored() {
    let blank = marked(json!({"type": "text", "text": " "}), None);
    let messages = vec![
        marked(user(""), None),
        json!({"role": "user", "content": [blank, {"type": "text", "text": "Hi"}]}),
    ];
    let mut request = with_tools(messages);
    request["tools"][0] = marked(request["tools"][0].take(), None);
    request["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools":
        {"mode": "auto", "tools": [{"type": "function", "function": {"name": "read"}}]}});
    assert_eq!(
        seen(CLAUDE, &request).ignored.unwrap(),
        "messages[0].cache_control, messages[1].content[0].cache_control, tools[0].cache_control"
    );
}

#[test]
fn beside_the_clients_points_automatic_ones_stand_only_before_the_last() {
    let mut tools = with_tools(vec![
        system(&long("Be brief.")),
        user("Read a."),
        call("a"),
        marked(result("a"), None),
        user(FLOATING),
    ]);
    // As OpenClaw marks: the last tool, the system prompt, the last result.
    tools["tools"][1] = marked(tools["tools"][1].take(), None);
    tools["messages"][0] = marked(tools["messages"][0].take(), None);
    assert_eq!(
        points(CLAUDE, &tools),
        ["tools/2", "system/1", "0/1", "2/1"]
    );
    let only_the_system_prompt = with_tools(vec![
        marked(system(&long("Be brief.")), None),
        user("Read a."),
        call("a"),
        result("a"),
    ]);
    assert_eq!(
        points(CLAUDE, &only_the_system_prompt),
        ["tools/2", "system/1"]
    );
}

#[test]
fn a_point_that_nova_refuses_is_replaced_by_those_before_it() {
    let mut request = with_tools(vec![
        system(&long("Be brief.")),
        user("Read a."),
        call("a"),
        marked(result("a"), None),
    ]);
    request["tools"][1]["function"] = marked(request["tools"][1]["function"].take(), None);
    let asked = seen(NOVA, &request);
    assert_eq!(asked.points, ["system/1", "0/1"]);
    assert_eq!(
        asked.ignored.unwrap(),
        "messages[3].cache_control, tools[1].function.cache_control"
    );
}

#[test]
fn of_more_than_four_the_earliest_in_messages_are_left_out() {
    let mut messages: Vec<_> = (0..5)
        .flat_map(|index| [marked(user(&index.to_string()), None), assistant("ok")])
        .collect();
    messages.insert(0, marked(system("Be brief."), None));
    let asked = seen(CLAUDE, &request(messages));
    assert_eq!(asked.points, ["system/1", "4/1", "6/1", "8/1"]);
    assert_eq!(
        asked.ignored.unwrap(),
        "messages[1].cache_control, messages[3].cache_control"
    );
    let part = marked(json!({"type": "text", "text": "x"}), None);
    let system = json!({"role": "system", "content": vec![part; 5]});
    let asked = seen(CLAUDE, &request(vec![system, marked(user("Hi"), None)]));
    assert_eq!(asked.points, ["system/3", "system/4", "system/5", "0/1"]);
    assert_eq!(
        asked.ignored.unwrap(),
        "messages[0].content[0].cache_control, messages[0].content[1].cache_control"
    );
}

#[test]
fn a_leading_turn_of_ours_moves_the_clients_points_along() {
    let messages = vec![
        marked(assistant("Welcome."), None),
        marked(user("Hi"), None),
    ];
    assert_eq!(points(NOVA, &request(messages)), ["1/1", "2/1"]);
}
