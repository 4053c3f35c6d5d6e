<?php

// The PHP program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.

declare(strict_types=1);

use DingTalk\Api\RobotApi;
use DingTalk\Model\OrgGroupSendRequest;

require 'GuzzleHttp/autoload.php'; // Debian's; with Packagist, Guzzle comes by the next line
require __DIR__ . '/vendor/autoload.php';

function outcome(callable $call): array
{
    try {
        return ['id' => $call()];
    } catch (DingTalkError $e) {
        return [
            'status' => $e->status,
            'code' => $e->errorCode,
            'message' => $e->getMessage(),
            'requestId' => $e->requestId,
            'requiredScopes' => $e->requiredScopes,
            'failure' => (string) $e->getPrevious()?->getMessage(),
        ];
    } catch (Throwable $e) {
        return ['failure' => get_class($e) . ': ' . $e->getMessage()];
    }
}

function send(DingTalkClient $client, string $to): string
{
    $message = new OrgGroupSendRequest(
        ['open_conversation_id' => $to, 'robot_code' => 'robot', 'msg_key' => 'sampleText', 'msg_param' => '{}'],
    );
    return $client->call(false, fn ($http, $settings) => (new RobotApi($http, $settings))->orgGroupSend($message)->getProcessQueryKey());
}

$codes = json_decode(file_get_contents($argv[1]), true, flags: JSON_THROW_ON_ERROR);
while (($line = fgets(STDIN)) !== false) {
    $wanted = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    if ($made = $wanted['client'] ?? null) {
        $client = new DingTalkClient($made['url'], $made['appKey'], $made['appSecret'], $codes, $made['ca'] ?? true);
        continue;
    }
    $outcomes = [];
    foreach ($wanted['convert'] ?? [] as $chat) {
        $outcomes[] = outcome(fn () => $client->openConversationId($chat));
    }
    foreach ($wanted['send'] ?? [] as $to) {
        $outcomes[] = outcome(fn () => send($client, $to));
    }
    echo json_encode($outcomes, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE), "\n";
}
