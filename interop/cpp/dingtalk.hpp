// A client for DingTalk on the generated one: one token for all threads, one request on the wire for each attempt, and repeats
// where the contract allows them.
#pragma once

#include <strings.h>
#include <chrono>
#include <cmath>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <regex>
#include <thread>

#include "DingTalkClient/ApiClient.h"
#include "DingTalkClient/api/ImApi.h"

namespace dingtalk {

namespace generated = org::openapitools::client;
using web::json::value;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Some answers spell Code, Message.
struct AnyCase {
  bool operator()(const std::string &a, const std::string &b) const { return strcasecmp(a.c_str(), b.c_str()) < 0; }
};

// Why there is no result. status is 0 without a whole answer; code is empty if that was no error of DingTalk's.
struct Error : std::runtime_error {
  int status;
  double retry_after = 0; // seconds
  std::map<std::string, value, AnyCase> fields;
  std::string code; // or that of the legacy API, whose 88 has a sub_code

  Error(const std::string &reason, int status, const std::string &wait = "", const std::string &body = "") : std::runtime_error(reason), status(status) {
    if (std::regex_match(wait, std::regex(R"(\d+)"))) retry_after = std::stod(wait);
    else if (auto date = utility::datetime::from_string(wait); date.is_initialized())
      retry_after = (double(date.to_interval()) - double(utility::datetime::utc_now().to_interval())) / 1e7;
    std::error_code no_json;
    if (auto json = value::parse(body.substr(body.starts_with("\xEF\xBB\xBF") ? 3 : 0), no_json); json.is_object())
      for (const auto &[name, field] : json.as_object()) fields[name] = field;
    code = text("code");
    if (code.empty() && text("errcode") == "88") code = text("sub_code");
    if (code.empty()) code = text("errcode");
  }
  std::string text(const std::string &field) const {
    auto found = fields.find(field);
    return found == fields.end() ? "" : found->second.is_string() ? found->second.as_string() : found->second.is_number() ? found->second.serialize() : "";
  }
};

class Client {
 public:
  using Api = std::shared_ptr<generated::api::ApiClient>;

  // codes are the rows of codes.json; ca is a file of certificates to trust in addition to the machine's, or empty; limit is how many
  // seconds a request may take, up to the last byte of its answer. configure may set more, such as a proxy.
  Client(std::string url, const std::string &app_key, const std::string &app_secret, const value &codes, const std::string &ca, double limit = 10,
         const std::function<void(web::http::client::http_client_config &)> &configure = {})
      : url_(std::regex_replace(url, std::regex("/+$"), "")), limit_(limit) {
    static const std::regex private_url(R"(https://[^/?#@]+(/.*)?|http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(/.*)?)"); // requests carry secrets
    if (!std::regex_match(url_, private_url)) throw std::invalid_argument(url_.substr(url_.rfind('@') + 1) + " is not https");
    credentials_ = value::object({{"appKey", value(app_key)}, {"appSecret", value(app_secret)}}).serialize();
    http_.set_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(limit_));
    http_.set_max_redirects(0); // the token would go along
    if (!ca.empty()) http_.set_ssl_context_callback([ca](boost::asio::ssl::context &tls) { tls.load_verify_file(ca); });
    if (configure) configure(http_);
    const auto any = value::array({value("")}), none = value::array();
    for (const auto &row : codes.as_array())
      for (const auto &operation : (row.has_field("operations") ? row.at("operations") : any).as_array()) {
        const auto of = operation.as_string() + " ";
        rows_[of + row.at("code").as_string()] = row;
        for (const auto &alias : (row.has_field("aliases") ? row.at("aliases") : none).as_array()) rows_[of + alias.as_string()] = row;
      }
  }

  std::string open_conversation_id(const std::string &chat_id) {
    const auto shown = std::regex_replace(chat_id, std::regex(R"(^\s+|\s+$)"), "");
    if (shown.empty() || shown == "." || shown == "..") throw std::invalid_argument("not a chat id");
    // The generated client sends a slash as it is, which makes another path.
    if (chat_id.find('/') != std::string::npos) throw std::invalid_argument("a chat id with a slash cannot be sent");
    return call("chatIdToOpenConversationId", true, [chat_id](Api api) {
      auto id = generated::api::ImApi(api).chatIdToOpenConversationId(chat_id).get()->getOpenConversationId();
      return id.find_first_not_of(" ") == std::string::npos ? throw Error("the answer has no id", 200) : id;
    });
  }

  // Returns what send returns, of whatever type. It gets a generated client, and has to own what else it uses: past the time limit a
  // thread is left behind with it. safe: a repeat does no harm although the service may have processed it; x-repeat in the contract.
  template <class Send>
  auto call(const std::string &operation, bool safe, const Send &send) -> std::invoke_result_t<Send, Api> {
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
        if (token_ == sent) expires_ = {};
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

  // In send, for operations of the legacy API, which has a host of its own. Return its answer whole: call reads its errcode.
  static Api legacy(const Api &api) {
    auto settings = std::make_shared<generated::api::ApiConfiguration>(*api->getConfiguration());
    settings->setBaseUrl(std::regex_replace(settings->getBaseUrl(), std::regex(R"(^https://api(?=\.dingtalk\.))"), "https://oapi"));
    auto made = std::make_shared<generated::api::ApiClient>(settings);
    made->setResponseHandler(api->getResponseHandler());
    return made;
  }

 private:
  static constexpr int kAttempts = 3;
  static constexpr double kMaxWait = 60;           // seconds; whoever is to wait longer gives up
  static constexpr double kRenew = 600;            // seconds before a token's end, or a fifth of its time
  static constexpr double kPause = 30;             // seconds until a renewal that failed is tried again
  static constexpr double kDay = 86400, kUnknown = 5; // seconds that a token is kept: at most, and without a usable lifetime

  // What to do by the code: the operation's own row, the common one, or one that the status makes.
  value row_for(const std::string &operation, const Error &error) const {
    for (const auto &name : {operation, std::string()})
      if (auto found = rows_.find(name + " " + error.code); found != rows_.end()) return found->second;
    const bool throttled = error.status == 429, retry = throttled || error.status == 0 || error.status >= 500;
    return value::object({{"kind", value(throttled ? "throttled" : "")}, {"retry", value(retry)}, {"waitSeconds", value(0)},
                          {"token", value(error.status == 401 ? "drop" : "keep")}});
  }

  // What work returns, unless that takes longer than the limit: cpprest's own limit begins anew with each byte.
  template <class Work>
  auto in_time(const Work &work) const -> std::invoke_result_t<Work> {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<Work>()>>(work);
    auto result = task->get_future();
    std::thread([task] { (*task)(); }).detach();
    if (result.wait_for(limit_) != std::future_status::ready) throw Error("no answer in time", 0);
    return result.get();
  }

  // What send returns with a generated client for one request. The status is the answer's: exceptions say 500 of some that had none.
  template <class Send>
  auto ask(const std::string &token, const Send &send) const -> std::invoke_result_t<Send, Api> {
    struct Head { int status = 0; std::string retry_after; };
    auto settings = std::make_shared<generated::api::ApiConfiguration>();
    auto http = http_;
    settings->setBaseUrl(url_);
    settings->setHttpConfig(http);
    settings->setApiKey("accessToken", token);
    settings->setApiKey("legacyAccessToken", token);
    auto api = std::make_shared<generated::api::ApiClient>(settings);
    auto head = std::make_shared<Head>();
    api->setResponseHandler([head](auto code, auto &headers) { head->status = code, headers.match("Retry-After", head->retry_after); });
    return in_time([api, head, send] {
      try {
        if constexpr (requires { send(api)->getErrcode(); }) {
          auto answer = send(api);
          if (answer->getErrcode() != 0) throw Error("errcode", 200, head->retry_after, answer->toJson().serialize());
          return answer;
        } else {
          return send(api);
        }
      } catch (const generated::api::ApiException &caught) {
        if (head->status == 0) throw; // the caller's own: nothing was sent
        auto body = caught.getContent();
        throw Error(caught.what(), head->status, head->retry_after, body ? std::string(std::istreambuf_iterator<char>(*body), {}) : "");
      } catch (const web::json::json_exception &caught) {
        throw Error(caught.what(), head->status, head->retry_after);
      } catch (const web::http::http_exception &) { // whose text may have the URL
        throw Error("no answer", 0);
      }
    });
  }

  // Whoever comes while one is fetched waits for it. Nobody waits for a renewal: the old one serves until its end.
  std::string current_token() {
    std::shared_future<std::string> fetching;
    {
      std::scoped_lock lock(mutex_);
      const auto now = Clock::now();
      if (now < std::min(renew_at_, expires_)) return token_;
      if (!fetching_.valid() || fetching_.wait_for(Seconds(0)) == std::future_status::ready) {
        renew_at_ = later(now, kPause);
        fetching_ = std::async(std::launch::async, [this] { return fetch(); }).share();
      }
      if (now < expires_) return token_;
      fetching = fetching_;
    }
    return fetching.get();
  }

  std::string fetch() {
    const auto begun = Clock::now();
    auto answer = in_time([url = url_, http = http_, body = credentials_] {
      try {
        auto got = web::http::client::http_client(url, http).request(web::http::methods::POST, "/v1.0/oauth2/accessToken", body, "application/json").get();
        std::string wait;
        got.headers().match("Retry-After", wait);
        return Error("HTTP " + std::to_string(got.status_code()), got.status_code(), wait, got.extract_utf8string(true).get());
      } catch (const web::http::http_exception &caught) {
        throw Error(caught.what(), 0);
      }
    });
    const auto token = answer.fields["accessToken"];
    if (answer.status != 200) throw answer;
    if (!token.is_string() || !std::regex_match(token.as_string(), std::regex("[!-~]+"))) throw Error("the token call's answer has no token", 200);
    double lasts = std::strtod(answer.text("expireIn").c_str(), nullptr);
    lasts = lasts >= 1 ? std::min(lasts, kDay) : kUnknown;
    std::scoped_lock lock(mutex_);
    expires_ = later(begun, lasts);
    renew_at_ = later(begun, lasts - std::min(kRenew, lasts / 5));
    return token_ = token.as_string();
  }

  static Clock::time_point later(Clock::time_point than, double seconds) { return than + std::chrono::duration_cast<Clock::duration>(Seconds(seconds)); }

  std::string url_, credentials_, token_;
  Seconds limit_;
  web::http::client::http_client_config http_;
  std::map<std::string, value, AnyCase> rows_; // by operation, a space and code
  std::mutex mutex_;
  Clock::time_point renew_at_, expires_;
  std::shared_future<std::string> fetching_; // the last member: its end waits for a fetch under way
};

} // namespace dingtalk
