// The Node.js sample of DingTalk's page. Changed are the endpoint, the scheme, the token and the chat id, which come from the
// command line, and the imports, which on the page are no TypeScript. Added is what is printed.
import Util, * as $Util from '@alicloud/tea-util';
import dingtalkim_1_0, * as $dingtalkim_1_0 from '@alicloud/dingtalk/im_1_0';
import OpenApi, * as $OpenApi from '@alicloud/openapi-client';
import * as $tea from '@alicloud/tea-typescript';

declare const process: { argv: string[] };

export default class Client {

  /**
   * Initialize the account Client using Token
   * @return Client
   * @throws Exception
   */
  static createClient(protocol: string, endpoint: string): dingtalkim_1_0 {
    let config = new $OpenApi.Config({ });
    config.protocol = protocol;
    config.regionId = "central";
    config.endpoint = endpoint;
    return new dingtalkim_1_0(config);
  }

  static async main(args: string[]): Promise<void> {
    let client = Client.createClient(args[0], args[1]);
    let chatIdToOpenConversationIdHeaders = new $dingtalkim_1_0.ChatIdToOpenConversationIdHeaders({ });
    chatIdToOpenConversationIdHeaders.xAcsDingtalkAccessToken = args[2];
    try {
      let answer = await client.chatIdToOpenConversationIdWithOptions(args[3], chatIdToOpenConversationIdHeaders, new $Util.RuntimeOptions({ }));
      console.log(JSON.stringify({ id: answer.body.openConversationId }));
    } catch (err) {
      if (!Util.empty(err.code) && !Util.empty(err.message)) {
        // err contains the code and message attributes that help you locate the issue
        console.log(JSON.stringify({ code: err.code, message: err.message }));
      } else {
        console.log(JSON.stringify({ failure: String(err) }));
      }
    }
  }

}

Client.main(process.argv.slice(2));
