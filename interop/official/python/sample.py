# -*- coding: utf-8 -*-
# The Python sample of DingTalk's page. Changed are the endpoint, the scheme, the token and the chat id, which come from the
# command line. Added is what is printed.
import json
import sys

from typing import List

from alibabacloud_dingtalk.im_1_0.client import Client as dingtalkim_1_0Client
from alibabacloud_tea_openapi import models as open_api_models
from alibabacloud_dingtalk.im_1_0 import models as dingtalkim__1__0_models
from alibabacloud_tea_util import models as util_models
from alibabacloud_tea_util.client import Client as UtilClient


class Sample:
    def __init__(self):
        pass

    @staticmethod
    def create_client(protocol, endpoint) -> dingtalkim_1_0Client:
        """
        Initialize the account Client using Token
        @return: Client
        @throws Exception
        """
        config = open_api_models.Config()
        config.protocol = protocol
        config.region_id = 'central'
        config.endpoint = endpoint
        return dingtalkim_1_0Client(config)

    @staticmethod
    def main(
        args: List[str],
    ) -> None:
        client = Sample.create_client(args[0], args[1])
        chat_id_to_open_conversation_id_headers = dingtalkim__1__0_models.ChatIdToOpenConversationIdHeaders()
        chat_id_to_open_conversation_id_headers.x_acs_dingtalk_access_token = args[2]
        try:
            answer = client.chat_id_to_open_conversation_id_with_options(args[3], chat_id_to_open_conversation_id_headers, util_models.RuntimeOptions())
            print(json.dumps({'id': answer.body.open_conversation_id}))
        except Exception as err:
            if not UtilClient.empty(err.code) and not UtilClient.empty(err.message):
                # err contains the code and message attributes that help you locate the issue
                print(json.dumps({'code': err.code, 'message': err.message}))
            else:
                print(json.dumps({'failure': str(err)}))


if __name__ == '__main__':
    Sample.main(sys.argv[1:])
