# The program for openapi-generator's ruby: one conversion, and what came of it.
require 'dingtalk_client'
require 'json'

scheme, host, token, chat_id = ARGV
config = DingTalkClient::Configuration.new
config.scheme = scheme
config.host = host
config.server_index = nil # the contract's servers would take the host's place
config.api_key['x-acs-dingtalk-access-token'] = token
begin
  answer = DingTalkClient::ImApi.new(DingTalkClient::ApiClient.new(config)).chat_id_to_open_conversation_id(chat_id)
  puts JSON.generate(id: answer.open_conversation_id)
rescue DingTalkClient::ApiError => e
  # The contract's ApiError is called ServiceError here: the name is that of the generator's own exception.
  error = DingTalkClient::ServiceError.build_from_hash(JSON.parse(e.response_body, symbolize_names: true))
  puts JSON.generate(status: e.code, code: error.code, message: error.message)
end
