//! The test vectors on which botocore and aws-sigv4 agree.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use outcrop::upstream::{Endpoint, Region, RegionSource, Service, Signer, Variant};

use super::{BODY, KEYS};

const SESSION_TOKEN: &str = "AQoDYXdzEXAMPLE/+=TOKEN";
const V1_MODEL: &str = "us.anthropic.claude-opus-4-6-v1:0";
const V2_MODEL: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56";

fn region() -> Region {
    Region::new("us-east-1", RegionSource::Configuration).unwrap()
}

/// Signs as the vectors were signed; a request with a body is a POST of JSON.
fn sign(uri: &str, body: &'static str, token: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .uri(uri)
        .header("accept", "x")
        .header("user-agent", "x");
    if !body.is_empty() {
        request = request
            .method(Method::POST)
            .header("content-type", "application/json");
    }
    let mut request = request.body(Full::from(body)).unwrap();
    let [(_, id), (_, secret)] = KEYS;
    let credentials = Credentials::new(id, secret, token.map(str::to_owned), None, "test");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_480_245);
    Signer::new(region())
        .sign(&mut request, body.as_bytes(), &credentials, time)
        .unwrap();
    request
}

fn assert_signed(request: &Request<Full<Bytes>>, signed: &str, signature: &str) {
    let header = |name| request.headers().get(name).unwrap().to_str().unwrap();
    let scope = "20260115/us-east-1/bedrock/aws4_request";
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={signature}"
    );
    assert_eq!(header("authorization"), expected);
    assert_eq!(header("x-amz-date"), "20260115T123045Z");
}

fn runtime() -> Endpoint {
    Endpoint::of_region(Service::Runtime, &region(), Variant::default())
}

#[test]
fn v1_a_model_id_with_a_colon() {
    let uri = runtime().model(V1_MODEL, "converse").unwrap().to_string();
    let signature = "746ec7979bac08106380309064bd7f49e45d1d87ddca889a140cb8fe69c54257";
    assert_signed(
        &sign(&uri, BODY, None),
        "content-type;host;x-amz-date",
        signature,
    );
}

#[test]
fn v2_an_arn_as_model_id() {
    let uri = runtime()
        .model(V2_MODEL, "converse-stream")
        .unwrap()
        .to_string();
    let signature = "30342cf8e5e80dacc39e8a0eec1328113bd3262875ecb1f33535bc273f21cb8b";
    assert_signed(
        &sign(&uri, BODY, None),
        "content-type;host;x-amz-date",
        signature,
    );
}

#[test]
fn v3_a_session_token() {
    let uri = runtime().model(V1_MODEL, "converse").unwrap().to_string();
    let request = sign(&uri, BODY, Some(SESSION_TOKEN));
    let signature = "e3edb8eb141988f177a80f04214f921de1f11da5f034079c5decc05751e68609";
    assert_signed(
        &request,
        "content-type;host;x-amz-date;x-amz-security-token",
        signature,
    );
    assert_eq!(request.headers()["x-amz-security-token"], SESSION_TOKEN);
}

#[test]
fn v4_a_query_with_encoded_values() {
    let uri = "https://bedrock.us-east-1.amazonaws.com/inference-profiles?maxResults=1000&nextToken=a%2Bb%2Fc%3D%3D&type=APPLICATION";
    let signature = "3e034febb9cb24c17acd49db96d6493335abbc6447418591c7f4d3ff9ce095cb";
    assert_signed(&sign(uri, "", None), "host;x-amz-date", signature);
}

#[test]
fn v5_a_query_with_a_space() {
    let uri = "https://bedrock.us-east-1.amazonaws.com/foundation-models?byOutputModality=TEXT&byProvider=Mistral%20AI";
    let signature = "77148c0dc69910c53a485fefcc9b5d9c881c12561b6ac01b3c40935421be9e03";
    assert_signed(&sign(uri, "", None), "host;x-amz-date", signature);
}

#[test]
fn v6_a_host_with_a_port() {
    let endpoint = Endpoint::of_url("http://127.0.0.1:8099", "test").unwrap();
    let uri = endpoint.model(V1_MODEL, "converse").unwrap().to_string();
    let signature = "98dfe49777b9356d9c4047755c540378ccffe5a803e9ddda22bd53b3949d7b69";
    assert_signed(
        &sign(&uri, BODY, None),
        "content-type;host;x-amz-date",
        signature,
    );
}

#[test]
fn signature_and_token_stay_out_of_debug_output() {
    let uri = runtime().model(V1_MODEL, "converse").unwrap().to_string();
    let request = sign(&uri, BODY, Some(SESSION_TOKEN));
    let shown = format!("{:?}", request.headers());
    assert!(
        !shown.contains("Signature=") && !shown.contains(SESSION_TOKEN),
        "{shown}"
    );
}

/// Not one of the vectors, but made with botocore like them.
#[test]
fn another_service_has_another_scope() {
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let mut request = Request::post("https://sts.us-east-1.amazonaws.com/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(body))
        .unwrap();
    let [(_, id), (_, secret)] = KEYS;
    let credentials = Credentials::new(id, secret, None, None, "test");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_480_245);
    Signer::new(region())
        .of_service("sts")
        .sign(&mut request, body.as_bytes(), &credentials, time)
        .unwrap();
    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/sts/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5f00c22f43547f593fd0e18dbadb826cbaf9165d9f8ea9cba09b76050e09d34b"
    );
}
