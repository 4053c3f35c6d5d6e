// The C++ program of the interop table, on the client that openapi-generator makes on the C++ REST SDK.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <cpprest/json.h>

#include "DingTalkClient/ApiClient.h"
#include "DingTalkClient/ApiConfiguration.h"
#include "DingTalkClient/ApiException.h"
#include "DingTalkClient/api/ImApi.h"
#include "DingTalkClient/api/Oauth2Api.h"
#include "DingTalkClient/model/ApiError.h"
#include "DingTalkClient/model/GetAccessTokenRequest.h"

using namespace org::openapitools::client;
using web::json::value;

namespace {

std::shared_ptr<api::ApiConfiguration> configuration(const std::string &url) {
  auto result = std::make_shared<api::ApiConfiguration>();
  result->setBaseUrl(url);
  return result;
}

value convert(const std::string &url, const std::string &token, const std::string &chat_id) {
  auto settings = configuration(url);
  settings->setApiKey("accessToken", token);
  auto answer = api::ImApi(std::make_shared<api::ApiClient>(settings)).chatIdToOpenConversationId(chat_id).get();
  auto report = value::object();
  report["id"] = value(answer->getOpenConversationId());
  return report;
}

value get_token(const std::string &url, const std::string &app_key, const std::string &app_secret) {
  auto request = std::make_shared<model::GetAccessTokenRequest>();
  request->setAppKey(app_key);
  request->setAppSecret(app_secret);
  auto answer = api::Oauth2Api(std::make_shared<api::ApiClient>(configuration(url))).getAccessToken(request).get();
  auto report = value::object();
  report["accessToken"] = value(answer->getAccessToken());
  report["expireIn"] = value(answer->getExpireIn());
  return report;
}

// failure reads the body that the exception holds with the generated model of the contract's error.
value failure(const api::ApiException &exception) {
  auto report = value::object();
  report["status"] = value(exception.error_code().value());
  try {
    model::ApiError error;
    error.fromJson(value::parse(*exception.getContent()));
    if (error.codeIsSet()) report["code"] = value(error.getCode());
    if (error.messageIsSet()) report["message"] = value(error.getMessage());
    if (error.requestidIsSet()) report["requestId"] = value(error.getRequestid());
    if (error.accessdenieddetailIsSet()) {
      report["requiredScopes"] = error.getAccessdenieddetail()->toJson()["requiredScopes"];
    }
  } catch (const web::json::json_exception &not_json) {
    report["failure"] = value(not_json.what());
  }
  return report;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 5) {
    std::cerr << "usage: client convert URL TOKEN CHATID | client token URL APPKEY APPSECRET\n";
    return EXIT_FAILURE;
  }
  value report;
  try {
    report = (std::string(argv[1]) == "token" ? get_token : convert)(argv[2], argv[3], argv[4]);
  } catch (const api::ApiException &exception) {
    report = failure(exception);
  } catch (const std::exception &exception) {
    report = value::object();
    report["failure"] = value(exception.what());
  }
  std::cout << report.serialize() << std::endl;
  return EXIT_SUCCESS;
}
