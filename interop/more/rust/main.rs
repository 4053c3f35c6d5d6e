//! The program for openapi-generator's rust: one conversion, and what came of it.

use std::{env, error};

use dingtalk_client::apis::im_api::{
    ChatIdToOpenConversationIdError as Answer, chat_id_to_open_conversation_id,
};
use dingtalk_client::apis::{Error, configuration::ApiKey, configuration::Configuration};
use dingtalk_client::models::ApiError;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [scheme, host, token, chat_id] = &args[..] else {
        return Err("SCHEME HOST TOKEN CHATID".into());
    };
    let configuration = Configuration {
        base_path: format!("{scheme}://{host}"),
        api_key: Some(ApiKey {
            prefix: None,
            key: token.clone(),
        }),
        ..Configuration::default()
    };
    let outcome = match chat_id_to_open_conversation_id(&configuration, chat_id).await {
        Ok(answer) => json!({ "id": answer.open_conversation_id }),
        Err(Error::ResponseError(answer)) => {
            let error = answer.entity.as_ref().and_then(service_error);
            json!({
                "status": answer.status.as_u16(),
                "code": error.map(|e| &e.code),
                "message": error.map(|e| &e.message),
            })
        }
        Err(error) => return Err(error.into()),
    };
    println!("{outcome}");
    Ok(())
}

/// Returns the service's error, whatever variant holds it: the variant does not tell the status.
fn service_error(answer: &Answer) -> Option<&ApiError> {
    match answer {
        Answer::Status400(error)
        | Answer::Status401(error)
        | Answer::Status403(error)
        | Answer::Status404(error)
        | Answer::Status429(error)
        | Answer::Status500(error)
        | Answer::Status503(error)
        | Answer::DefaultResponse(error) => Some(error),
        Answer::UnknownValue(_) => None,
    }
}

/// The page says so. Once the generator reads the status, this fails, and the page is to be changed.
#[test]
fn every_error_is_the_first_variant() {
    let forbidden = r#"{"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", "message": "", "requestid": ""}"#;
    assert!(matches!(
        serde_json::from_str(forbidden),
        Ok(Answer::Status400(_))
    ));
}
