<?php

declare(strict_types=1);

use DingTalk\Api\ImApi;
use DingTalk\Api\Oauth2Api;
use DingTalk\ApiException;
use DingTalk\Configuration;
use DingTalk\Model\GetAccessTokenRequest;
use GuzzleHttp\Client;

/** Why there is no result. status is 0 without an answer; errorCode is empty if the answer was no error of DingTalk's. */
final class DingTalkError extends RuntimeException
{
    public readonly string $errorCode;
    public readonly ?string $requestId;
    public readonly ?array $requiredScopes;

    public function __construct(string $text, public readonly int $status, ?string $body = null, ?Throwable $previous = null)
    {
        $fields = self::lower(json_decode($body ?? '', true));
        parent::__construct($fields['message'] ?? $text, $status, $previous);
        $this->errorCode = $fields['code'] ?? '';
        $this->requestId = $fields['requestid'] ?? null;
        $this->requiredScopes = self::lower($fields['accessdenieddetail'] ?? null)['requiredscopes'] ?? null;
    }

    /** Some answers spell Code, Message. */
    private static function lower(mixed $fields): array
    {
        return is_array($fields) ? array_change_key_case($fields) : [];
    }
}

/**
 * A client for DingTalk on the generated one: one token for all calls of an object, and repeats where the contract allows them.
 * Where each request of a site has a process of its own, keep the object's token in a cache that they share.
 */
final class DingTalkClient
{
    private const ATTEMPTS = 3;
    private const TIMEOUT = 10; // seconds
    private const RENEW = 600; // seconds before a token's end

    private readonly Client $http;
    private array $codes = [];
    private ?string $token = null;
    private float $renewAt = 0;

    /** $codes are the rows of codes.json; $ca is a file of certificates to trust, true for the machine's. */
    public function __construct(
        private readonly string $url,
        private readonly string $appKey,
        private readonly string $appSecret,
        array $codes,
        string|bool $ca = true,
    ) {
        // The token would go along with a redirect.
        $this->http = new Client(['verify' => $ca, 'timeout' => self::TIMEOUT, 'allow_redirects' => false]);
        foreach ($codes as $row) {
            foreach ([$row['code'], ...$row['aliases'] ?? []] as $name) {
                $this->codes[strtolower($name)] = $row;
            }
        }
    }

    public function openConversationId(string $chatId): string
    {
        if (in_array($chatId, ['', '.', '..'], true)) {
            throw new InvalidArgumentException('not a chat id');
        }
        return $this->call(true, fn (Client $http, Configuration $settings) =>
            (new ImApi($http, $settings))->chatIdToOpenConversationId($chatId)->getOpenConversationId());
    }

    /**
     * Returns what $send does. $safe says that a repeat does no harm although the service may have processed the request:
     * x-repeat in the contract.
     */
    public function call(bool $safe, callable $send): string
    {
        $rejected = null;
        for ($attempt = 1; ; $attempt++) {
            $sent = null;
            try {
                $token = $this->currentToken();
                if ($token === $rejected) {
                    throw $error;
                }
                $sent = $token;
                return $send($this->http, $this->settings($token)) ?: throw new DingTalkError('an answer without a result', 200);
            } catch (DingTalkError $error) {
            } catch (ApiException $e) {
                $error = new DingTalkError($e->getMessage(), $e->getCode(), $e->getResponseBody(), $e);
            } catch (Error $e) { // an answer of another type than a success has
                $error = new DingTalkError($e->getMessage(), 200, null, $e);
            }
            $row = $this->codes[strtolower($error->errorCode)] ?? null;
            if ($sent !== null && $rejected === null && in_array($row['token'] ?? '', ['drop', 'fetch'], true)) {
                $rejected = $sent;
                $this->token = null;
                $attempt--;
                continue;
            }
            $status = $error->status;
            $repeat = $row['retry'] ?? ($status === 0 || $status === 429 || $status >= 500);
            $refused = $status === 429 || ($row['kind'] ?? '') === 'throttled';
            if (!$repeat || $attempt === self::ATTEMPTS || !($safe || $refused || $sent === null)) {
                throw $error;
            }
            usleep((int) (1e6 * max($row['waitSeconds'] ?? 0, 0.3 * 2 ** $attempt * mt_rand() / mt_getrandmax())));
        }
    }

    private function settings(string $token): Configuration
    {
        // By the header's name, not the scheme's.
        return (new Configuration())->setHost($this->url)->setApiKey('x-acs-dingtalk-access-token', $token);
    }

    private function currentToken(): string
    {
        if ($this->token === null || microtime(true) >= $this->renewAt) {
            $request = new GetAccessTokenRequest(['app_key' => $this->appKey, 'app_secret' => $this->appSecret]);
            $answer = (new Oauth2Api($this->http, $this->settings('')))->getAccessToken($request);
            $this->token = $answer->getAccessToken();
            $this->renewAt = microtime(true) + $answer->getExpireIn() - min(self::RENEW, $answer->getExpireIn() / 5);
        }
        return $this->token;
    }
}
