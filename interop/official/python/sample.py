# -*- coding: utf-8 -*-
# The Python sample of DingTalk's page, both of its paths. Every line that differs from the page says so at its end: the scheme, the
# endpoint, the token and the chat id come from the command line, and what came out is printed. Blank lines aside, the
# others are the page's.
# This file is auto-generated, don't edit it. Thanks.
import json  # added
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
    def create_client(protocol, endpoint) -> dingtalkim_1_0Client:  # changed
        """
        Initialize the account Client using Token
        @return: Client
        @throws Exception
        """
        config = open_api_models.Config()
        config.protocol = protocol  # changed
        config.region_id = 'central'
        config.endpoint = endpoint  # added
        return dingtalkim_1_0Client(config)

    @staticmethod
    def main(
        args: List[str],
    ) -> None:
        client = Sample.create_client(args[0], args[1])  # changed
        chat_id_to_open_conversation_id_headers = dingtalkim__1__0_models.ChatIdToOpenConversationIdHeaders()
        chat_id_to_open_conversation_id_headers.x_acs_dingtalk_access_token = args[2]  # changed
        try:
            answer = client.chat_id_to_open_conversation_id_with_options(args[3], chat_id_to_open_conversation_id_headers, util_models.RuntimeOptions())  # changed
            print(json.dumps({'id': answer.body.open_conversation_id}))  # added
        except Exception as err:
            if not UtilClient.empty(err.code) and not UtilClient.empty(err.message):
                # err contains the code and message attributes that help you locate the issue
                print(json.dumps({'code': err.code, 'message': err.message}))  # changed
            else:  # added
                print(json.dumps({'failure': str(err)}))  # added

    @staticmethod
    async def main_async(
        args: List[str],
    ) -> None:
        client = Sample.create_client(args[0], args[1])  # changed
        chat_id_to_open_conversation_id_headers = dingtalkim__1__0_models.ChatIdToOpenConversationIdHeaders()
        chat_id_to_open_conversation_id_headers.x_acs_dingtalk_access_token = args[2]  # changed
        try:
            answer = await client.chat_id_to_open_conversation_id_with_options_async(args[3], chat_id_to_open_conversation_id_headers, util_models.RuntimeOptions())  # changed
            print(json.dumps({'id': answer.body.open_conversation_id}))  # added
        except Exception as err:
            if not UtilClient.empty(err.code) and not UtilClient.empty(err.message):
                # err contains the code and message attributes that help you locate the issue
                print(json.dumps({'code': err.code, 'message': err.message}))  # changed
            else:  # added
                print(json.dumps({'failure': str(err)}))  # added


if __name__ == '__main__':
    Sample.main(sys.argv[1:])
