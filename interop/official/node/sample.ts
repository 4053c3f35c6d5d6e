// This file is auto-generated, don't edit it
// The Node.js sample of DingTalk's page. Every line that differs from the page says so at its end: the scheme, the endpoint, the token and
// the chat id come from the command line, and what came out is printed. The others are the page's.
import Util, * as $Util from '@alicloud/tea-util';
import dingtalkim_1_0, * as $dingtalkim_1_0 from '@alicloud/dingtalk/im_1_0';
import OpenApi, * as $OpenApi from '@alicloud/openapi-client';
import * as $tea from '@alicloud/tea-typescript';

declare const process: { argv: string[] }; // added, in place of the package of Node.js' types

export default class Client {

  /**
   * Initialize the account Client using Token
   * @return Client
   * @throws Exception
   */
  static createClient(protocol: string, endpoint: string): dingtalkim_1_0 { // changed
    let config = new $OpenApi.Config({ });
    config.protocol = protocol; // changed
    config.regionId = "central";
    config.endpoint = endpoint; // added
    return new dingtalkim_1_0(config);
  }

  static async main(args: string[]): Promise<void> {
    let client = Client.createClient(args[0], args[1]); // changed
    let chatIdToOpenConversationIdHeaders = new $dingtalkim_1_0.ChatIdToOpenConversationIdHeaders({ });
    chatIdToOpenConversationIdHeaders.xAcsDingtalkAccessToken = args[2]; // changed
    try {
      let answer = await client.chatIdToOpenConversationIdWithOptions(args[3], chatIdToOpenConversationIdHeaders, new $Util.RuntimeOptions({ })); // changed
      console.log(JSON.stringify({ id: answer.body.openConversationId })); // added
    } catch (err) {
      if (!Util.empty(err.code) && !Util.empty(err.message)) {
        // err contains the code and message attributes that help you locate the issue
        console.log(JSON.stringify({ code: err.code, message: err.message })); // added
      } else { // added
        console.log(JSON.stringify({ failure: String(err) })); // added
      }

    }
  }

}

Client.main(process.argv.slice(2));
