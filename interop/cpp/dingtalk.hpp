// A client for DingTalk on the generated one: one token for all threads, and repeats where the contract allows them.
#pragma once

#include <strings.h>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <regex>
#include <thread>

#include "DingTalkClient/ApiClient.h"
#include "DingTalkClient/api/ImApi.h"
#include "DingTalkClient/api/Oauth2Api.h"

namespace dingtalk {

namespace generated = org::openapitools::client;
using web::json::value;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Some answers spell Code, Message.
struct AnyCase {
  bool operator()(const std::string &a, const std::string &b) const { return strcasecmp(a.c_str(), b.c_str()) < 0; }
};

// Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's.
struct Error : std::runtime_error {
  int status;
  double retry_after = 0; // seconds
  std::map<std::string, value, AnyCase> fields;

  Error(const std::string &text, int status, const std::string &wait = "", const std::string &body = "") : std::runtime_error(text), status(status) {
    if (std::regex_match(wait, std::regex(R"(\d+)"))) retry_after = std::stod(wait);
    else if (auto date = utility::datetime::from_string(wait); date.is_initialized())
      retry_after = (double(date.to_interval()) - double(utility::datetime::utc_now().to_interval())) / 1e7;
    std::error_code no_json;
    if (auto json = value::parse(body, no_json); json.is_object())
      for (const auto &[name, field] : json.as_object()) fields[name] = field;
  }
  std::string text(const std::string &field) const {
    auto found = fields.find(field);
    return found != fields.end() && found->second.is_string() ? found->second.as_string() : "";
  }
};

class Client {
 public:
  using Api = std::shared_ptr<generated::api::ApiClient>;
  using Call = std::function<std::string(Api)>;

  // codes are the rows of codes.json; ca is a file of certificates to trust in addition to the machine's, or empty.
  Client(std::string url, const std::string &app_key, const std::string &app_secret, const value &codes, std::string ca)
      : url_(std::move(url)), ca_(std::move(ca)), credentials_(std::make_shared<generated::model::GetAccessTokenRequest>()) {
    static const std::regex private_url(R"(https://.+|http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(/.*)?)"); // requests carry secrets
    if (!std::regex_match(url_, private_url)) throw std::invalid_argument(url_ + " is not https");
    credentials_->setAppKey(app_key);
    credentials_->setAppSecret(app_secret);
    const auto any = value::array({value("")}), none = value::array();
    for (const auto &row : codes.as_array())
      for (const auto &operation : (row.has_field("operations") ? row.at("operations") : any).as_array()) {
        const auto of = operation.as_string() + " ";
        rows_[of + row.at("code").as_string()] = row;
        for (const auto &alias : (row.has_field("aliases") ? row.at("aliases") : none).as_array()) rows_[of + alias.as_string()] = row;
      }
  }

  std::string open_conversation_id(const std::string &chat_id) {
    if (chat_id.empty() || chat_id == "." || chat_id == "..") throw std::invalid_argument("not a chat id");
    // The generated client sends a slash as it is, which makes another path.
    if (chat_id.find('/') != std::string::npos) throw std::invalid_argument("a chat id with a slash cannot be sent");
    return call("chatIdToOpenConversationId", true,
                [&](Api api) { return generated::api::ImApi(api).chatIdToOpenConversationId(chat_id).get()->getOpenConversationId(); });
  }

  // Returns what send does. safe: a repeat does no harm although the service may have processed it; x-repeat in the contract.
  std::string call(const std::string &operation, bool safe, const Call &send) {
    std::string rejected;
    Error error("", 0);
    for (int attempt = 1;; attempt++) {
      std::string sent;
      try {
        sent = current_token();
        if (sent == rejected) throw Error(error);
        return ask(sent, send);
      } catch (const Error &caught) {
        error = caught;
      }
      const auto row = row_for(sent.empty() ? "getAccessToken" : operation, error);
      const auto token = row.at("token").as_string();
      if (!sent.empty() && rejected.empty() && (token == "drop" || token == "fetch")) {
        rejected = sent;
        std::scoped_lock lock(mutex_);
        if (token_ == sent) renew_at_ = expires_ = {};
        attempt--;
        continue;
      }
      const bool processed = !sent.empty() && row.at("kind").as_string() != "throttled";
      const auto wait = std::max(row.at("waitSeconds").as_double(), error.retry_after);
      if (!row.at("retry").as_bool() || (processed && !safe) || wait > kMaxWait || attempt == kAttempts) throw error;
      static thread_local std::minstd_rand chance(std::random_device{}());
      std::this_thread::sleep_for(Seconds(wait + std::uniform_real_distribution(0.0, 0.3 * (1 << (attempt - 1)))(chance)));
    }
  }

 private:
  static constexpr int kAttempts = 3;
  static constexpr double kMaxWait = 60; // seconds; whoever is to wait longer gives up
  static constexpr double kRenew = 600;  // seconds before a token's end, or a fifth of its time
  static constexpr double kPause = 30;   // seconds until a renewal that failed is tried again

  // What to do by the code: the operation's own row, the common one, or one that the status makes.
  value row_for(const std::string &operation, const Error &error) const {
    for (const auto &name : {operation, std::string()})
      if (auto found = rows_.find(name + " " + error.text("code")); found != rows_.end()) return found->second;
    const bool throttled = error.status == 429, retry = throttled || error.status == 0 || error.status >= 500;
    return value::object({{"kind", value(throttled ? "throttled" : "")}, {"retry", value(retry)}, {"waitSeconds", value(0)},
                          {"token", value(error.status == 401 ? "drop" : "keep")}});
  }

  // What send returns with a generated client for one request. The status is the answer's: exceptions say 500 of some that had none.
  std::string ask(const std::string &token, const Call &send) const {
    web::http::client::http_client_config http;
    http.set_timeout(std::chrono::seconds(10));
    http.set_max_redirects(0); // the token would go along
    if (!ca_.empty()) http.set_ssl_context_callback([this](boost::asio::ssl::context &tls) { tls.load_verify_file(ca_); });
    auto settings = std::make_shared<generated::api::ApiConfiguration>();
    settings->setBaseUrl(url_);
    settings->setHttpConfig(http);
    settings->setApiKey("accessToken", token);
    auto api = std::make_shared<generated::api::ApiClient>(settings);
    int status = 0;
    std::string retry_after;
    api->setResponseHandler([&](auto code, auto &headers) { status = code, headers.match("Retry-After", retry_after); });
    try {
      if (auto result = send(api); !result.empty()) return result;
      throw std::runtime_error("an answer without a result");
    } catch (const generated::api::ApiException &caught) {
      auto body = caught.getContent();
      throw Error(caught.what(), status, retry_after, body ? std::string(std::istreambuf_iterator<char>(*body), {}) : "");
    } catch (const std::exception &caught) { // no answer, or a success that is no JSON
      throw Error(caught.what(), status);
    }
  }

  std::string current_token() {
    std::scoped_lock lock(mutex_); // whoever waits here finds the token that the first one fetched
    if (Clock::now() < renew_at_) return token_;
    try {
      double lasts = 0;
      token_ = ask("", [&](Api api) {
        auto answer = generated::api::Oauth2Api(api).getAccessToken(credentials_).get();
        lasts = answer->getExpireIn();
        return answer->getAccessToken();
      });
      expires_ = after(lasts);
      renew_at_ = after(lasts - std::min(kRenew, lasts / 5));
    } catch (const Error &) { // the old token serves until its end
      if (Clock::now() >= expires_) throw;
      renew_at_ = std::min(expires_, after(kPause));
    }
    return token_;
  }

  static Clock::time_point after(double seconds) { return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds)); }

  std::string url_, ca_, token_;
  std::shared_ptr<generated::model::GetAccessTokenRequest> credentials_;
  std::map<std::string, value, AnyCase> rows_; // by operation, a space and code
  std::mutex mutex_;
  Clock::time_point renew_at_, expires_;
};

} // namespace dingtalk
