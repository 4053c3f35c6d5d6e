// A client for DingTalk on the generated one: one token for all threads, and repeats where the contract allows them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cctype>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include <cpprest/json.h>

#include "DingTalkClient/ApiClient.h"
#include "DingTalkClient/ApiConfiguration.h"
#include "DingTalkClient/ApiException.h"
#include "DingTalkClient/api/ImApi.h"
#include "DingTalkClient/api/Oauth2Api.h"

namespace dingtalk {

namespace generated = org::openapitools::client;
using web::json::value;

inline std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Some answers spell Code, Message.
inline value lower_fields(const value &json) {
  auto result = value::object();
  if (json.is_object())
    for (const auto &[name, field] : json.as_object()) result[lower(name)] = field;
  return result;
}

// Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's.
struct Error : std::runtime_error {
  int status;
  std::string code;
  value fields; // of the answer, in lower case

  Error(const std::string &text, int status, const std::string &body = "") : std::runtime_error(text), status(status) {
    try {
      fields = lower_fields(value::parse(body));
    } catch (const web::json::json_exception &) {
      fields = value::object();
    }
    if (fields.has_string_field("code")) code = fields["code"].as_string();
  }
};

class Client {
 public:
  using Call = std::function<std::string(std::shared_ptr<generated::api::ApiClient>)>;

  // codes are the rows of codes.json; ca is a file of certificates to trust in addition to the machine's, or empty.
  Client(std::string url, std::string app_key, std::string app_secret, const value &codes, std::string ca)
      : url_(std::move(url)), ca_(std::move(ca)), credentials_(std::make_shared<generated::model::GetAccessTokenRequest>()) {
    credentials_->setAppKey(app_key);
    credentials_->setAppSecret(app_secret);
    for (const auto &row : codes.as_array()) {
      codes_[lower(row.at("code").as_string())] = row;
      if (row.has_field("aliases"))
        for (const auto &alias : row.at("aliases").as_array()) codes_[lower(alias.as_string())] = row;
    }
  }

  std::string open_conversation_id(const std::string &chat_id) {
    if (chat_id.empty() || chat_id == "." || chat_id == "..") throw std::invalid_argument("not a chat id");
    // The generated client sends a slash as it is, which makes another path.
    if (chat_id.find('/') != std::string::npos) throw std::invalid_argument("a chat id with a slash cannot be sent");
    return call(true, [&](auto api) { return generated::api::ImApi(api).chatIdToOpenConversationId(chat_id).get()->getOpenConversationId(); });
  }

  // Returns what send does. safe: a repeat does no harm although the service may have processed it; x-repeat in the contract.
  std::string call(bool safe, const Call &send) {
    std::string rejected;
    Error error("", 0);
    for (int attempt = 1;; attempt++) {
      std::string sent;
      int status = 0; // the generated client says 500 of some answers that were none
      try {
        auto token = current_token(status);
        if (token == rejected) throw error;
        sent = token;
        status = 0;
        auto result = send(api(token, status));
        if (result.empty()) throw Error("an answer without a result", 200);
        return result;
      } catch (const Error &caught) {
        error = caught;
      } catch (const generated::api::ApiException &caught) {
        auto body = caught.getContent();
        error = Error(caught.what(), status, body ? std::string(std::istreambuf_iterator<char>(*body), {}) : "");
      } catch (const std::exception &caught) { // no answer, or a success that is no JSON
        error = Error(caught.what(), status);
      }
      auto found = codes_.find(lower(error.code));
      auto row = found == codes_.end() ? value::object() : found->second;
      auto known = found != codes_.end();
      auto about_token = known ? row["token"].as_string() : "";
      if (!sent.empty() && rejected.empty() && (about_token == "drop" || about_token == "fetch")) {
        rejected = sent;
        forget(sent);
        attempt--;
        continue;
      }
      auto repeat = known ? row["retry"].as_bool() : error.status == 0 || error.status == 429 || error.status >= 500;
      auto refused = error.status == 429 || (known && row["kind"].as_string() == "throttled");
      if (!repeat || attempt == kAttempts || !(safe || refused || sent.empty())) throw error;
      static thread_local std::minstd_rand chance(std::random_device{}());
      std::uniform_real_distribution<double> backoff(0, 0.3 * (1 << attempt));
      auto wait = std::max(known ? row["waitSeconds"].as_double() : 0.0, backoff(chance));
      std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    }
  }

 private:
  static constexpr int kAttempts = 3;
  static constexpr double kRenew = 600; // seconds before a token's end, or a fifth of its time

  // A generated client for one request, which writes the answer's status to status.
  std::shared_ptr<generated::api::ApiClient> api(const std::string &token, int &status) {
    web::http::client::http_client_config http;
    http.set_timeout(std::chrono::seconds(10));
    http.set_max_redirects(0); // the token would go along
    if (!ca_.empty()) http.set_ssl_context_callback([ca = ca_](boost::asio::ssl::context &tls) { tls.load_verify_file(ca); });
    auto settings = std::make_shared<generated::api::ApiConfiguration>();
    settings->setBaseUrl(url_);
    settings->setHttpConfig(http);
    settings->setApiKey("accessToken", token);
    auto client = std::make_shared<generated::api::ApiClient>(settings);
    client->setResponseHandler([&status](web::http::status_code code, const web::http::http_headers &) { status = code; });
    return client;
  }

  std::string current_token(int &status) {
    std::lock_guard<std::mutex> lock(mutex_); // whoever waits here finds the token that the first one fetched
    auto now = std::chrono::steady_clock::now();
    if (token_.empty() || now >= renew_at_) {
      auto answer = generated::api::Oauth2Api(api("", status)).getAccessToken(credentials_).get();
      double lasts = answer->getExpireIn();
      renew_at_ = now + std::chrono::milliseconds(static_cast<long>(1000 * (lasts - std::min(kRenew, lasts / 5))));
      token_ = answer->getAccessToken();
    }
    return token_;
  }

  void forget(const std::string &token) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (token_ == token) token_.clear();
  }

  std::string url_, ca_, token_;
  std::shared_ptr<generated::model::GetAccessTokenRequest> credentials_;
  std::map<std::string, value> codes_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point renew_at_;
};

} // namespace dingtalk
