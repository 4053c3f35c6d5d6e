// The C++ program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.
#include <fstream>
#include <future>
#include <iostream>
#include <vector>

#include "DingTalkClient/api/LegacyApi.h"
#include "DingTalkClient/api/RobotApi.h"
#include "dingtalk.hpp"

using web::json::value;

namespace {

std::string text(const value &object, const std::string &field) {
  return object.has_string_field(field) ? object.at(field).as_string() : "";
}

std::string send(dingtalk::Client &client, const std::string &to) {
  auto message = std::make_shared<dingtalk::generated::model::OrgGroupSendRequest>();
  message->setOpenConversationId(to);
  message->setRobotCode("robot");
  message->setMsgKey("sampleText");
  message->setMsgParam("{}");
  return client.call("orgGroupSend", false, [message](auto api) { return dingtalk::generated::api::RobotApi(api).orgGroupSend(message).get()->getProcessQueryKey(); });
}

std::string get_chat(dingtalk::Client &client, const std::string &chat) {
  auto answer = client.call("getChat", true, [chat](auto api) { return dingtalk::generated::api::LegacyApi(dingtalk::Client::legacy(api)).getChat(chat).get(); });
  return answer->chatInfoIsSet() ? answer->getChatInfo()->getChatid() : "";
}

value outcome(const std::function<std::string()> &call) {
  auto report = value::object();
  try {
    report["id"] = value(call());
  } catch (const dingtalk::Error &error) {
    report["status"] = value(error.status);
    report["code"] = value(error.code);
    report["message"] = value(error.text("message"));
    report["requestId"] = value(error.text("requestid"));
    if (auto detail = error.fields.find("accessdenieddetail"); detail != error.fields.end() && detail->second.has_array_field("requiredScopes"))
      report["requiredScopes"] = detail->second.at("requiredScopes");
    report["failure"] = value(error.what());
  } catch (const std::exception &exception) {
    report["failure"] = value(exception.what());
  }
  return report;
}

} // namespace

int main(int argc, char **argv) {
  std::ifstream file(argv[argc - 1]);
  auto codes = value::parse(file);
  std::unique_ptr<dingtalk::Client> client;
  for (std::string line; std::getline(std::cin, line);) {
    auto wanted = value::parse(line);
    std::vector<std::future<value>> calls;
    if (wanted.has_field("client"))
      calls.push_back(std::async(std::launch::async, outcome, [&client, &codes, made = wanted["client"]] {
        client = std::make_unique<dingtalk::Client>(text(made, "url"), text(made, "appKey"), text(made, "appSecret"), codes, text(made, "ca"), made.has_field("timeout") ? made.at("timeout").as_double() : 10);
        return std::string();
      }));
    if (wanted.has_field("calls"))
      for (auto &call : wanted["calls"].as_array())
        calls.push_back(std::async(std::launch::async, outcome, [&client, name = call[0].as_string(), of = call[1].as_string()] {
          return name == "send" ? send(*client, of) : name == "getChat" ? get_chat(*client, of) : client->open_conversation_id(of);
        }));
    auto outcomes = value::array();
    for (auto &call : calls) outcomes[outcomes.size()] = call.get();
    std::cout << outcomes.serialize() << std::endl;
  }
}
