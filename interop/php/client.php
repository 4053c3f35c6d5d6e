<?php

// The PHP program of the interop table, on the client that openapi-generator makes.

declare(strict_types=1);

use DingTalk\Api\ImApi;
use DingTalk\Api\Oauth2Api;
use DingTalk\ApiException;
use DingTalk\Configuration;
use DingTalk\Model\ApiError;
use DingTalk\Model\GetAccessTokenRequest;
use GuzzleHttp\Client;

require 'GuzzleHttp/autoload.php';

// In place of composer's loader: the namespace DingTalk is the folder lib.
spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'DingTalk\\')) {
        require getenv('GENERATED') . '/' . strtr(substr($class, strlen('DingTalk\\')), '\\', '/') . '.php';
    }
});

function convert(string $url, string $token, string $chatId): array
{
    $configuration = (new Configuration())->setHost($url)->setApiKey('x-acs-dingtalk-access-token', $token);
    $answer = (new ImApi(new Client(), $configuration))->chatIdToOpenConversationId($chatId);
    return ['id' => $answer->getOpenConversationId()];
}

function token(string $url, string $appKey, string $appSecret): array
{
    $configuration = (new Configuration())->setHost($url);
    $request = new GetAccessTokenRequest(['app_key' => $appKey, 'app_secret' => $appSecret]);
    $answer = (new Oauth2Api(new Client(), $configuration))->getAccessToken($request);
    return ['accessToken' => $answer->getAccessToken(), 'expireIn' => $answer->getExpireIn()];
}

// What an ApiException says. Its response object is the model of the contract's error, where the answer was one.
function failure(ApiException $e): array
{
    $report = ['status' => $e->getCode()];
    $error = $e->getResponseObject();
    if ($error instanceof ApiError) {
        $report += ['code' => $error->getCode(), 'message' => $error->getMessage(), 'requestId' => $error->getRequestid()];
        $report['requiredScopes'] = $error->getAccessdenieddetail()?->getRequiredScopes();
    }
    return $report;
}

try {
    [, $operation, $url, $first, $second] = $argv;
    $report = $operation === 'token' ? token($url, $first, $second) : convert($url, $first, $second);
} catch (ApiException $e) {
    $report = failure($e);
} catch (Throwable $e) {
    $report = ['failure' => get_class($e) . ': ' . $e->getMessage()];
}
echo json_encode($report, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE), "\n";
