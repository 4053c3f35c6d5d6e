<?php

// The PHP program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.

declare(strict_types=1);

use App\DingTalk\DingTalkClient;
use App\DingTalk\DingTalkException;
use DingTalk\Api\LegacyApi;
use DingTalk\Api\RobotApi;
use DingTalk\Model\OrgGroupSendRequest;

require 'GuzzleHttp/autoload.php'; // Debian's; with Packagist, Guzzle comes by the next line
require __DIR__ . '/vendor/autoload.php';

function outcome(callable $call): array
{
    try {
        return ['id' => $call()];
    } catch (DingTalkException $e) {
        return [
            'status' => $e->getCode(),
            'code' => $e->errorCode,
            'message' => $e->getMessage(),
            'requestId' => $e->requestId,
            'requiredScopes' => $e->requiredScopes,
            'failure' => $e->getMessage(),
        ];
    } catch (Throwable $e) {
        return ['failure' => get_class($e) . ': ' . $e->getMessage()];
    }
}

function convert(DingTalkClient $client, string $chat): string
{
    return $client->openConversationId($chat);
}

function send(DingTalkClient $client, string $to): string
{
    $message = new OrgGroupSendRequest(
        ['open_conversation_id' => $to, 'robot_code' => 'robot', 'msg_key' => 'sampleText', 'msg_param' => '{}'],
    );
    return $client->call('orgGroupSend', false, fn ($http) => (new RobotApi($http))->orgGroupSend($message)->getProcessQueryKey()) ?? '';
}

function getChat(DingTalkClient $client, string $chat): string
{
    return $client->call('getChat', true, fn ($http) => (new LegacyApi($http))->getChat($chat)->getChatInfo()?->getChatid()) ?? '';
}

$codes = json_decode(file_get_contents($argv[1]), true, flags: JSON_THROW_ON_ERROR);
while (($line = fgets(STDIN)) !== false) {
    $wanted = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $outcomes = [];
    if ($made = $wanted['client'] ?? null) {
        $outcomes[] = outcome(function () use (&$client, $made, $codes) {
            $client = new DingTalkClient($made['url'], $made['appKey'], $made['appSecret'], $codes, $made['ca'] ?? true, $made['timeout'] ?? 10);
        });
    }
    foreach ($wanted['calls'] ?? [] as [$name, $of]) {
        $outcomes[] = outcome(fn () => $name($client, $of));
    }
    echo json_encode($outcomes, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE), "\n";
}
