<?php

declare(strict_types=1);

namespace App\DingTalk;

/** Why there is no result. Its code is the HTTP status, 0 without a whole answer. */
final class DingTalkException extends \RuntimeException
{
    /** DingTalk's code, or that of the legacy API, whose 88 has a sub_code; empty if the answer was no error of DingTalk's. */
    public readonly string $errorCode;
    public readonly string $requestId;
    /** @var list<string> The permissions to grant in the developer console. */
    public readonly array $requiredScopes;

    public function __construct(string $reason, int $status = 0, array $fields = [], public readonly float $retryAfter = 0, ?\Throwable $cause = null)
    {
        $text = fn (string $name): string => is_string($fields[$name] ?? null) || is_int($fields[$name] ?? null) ? (string) $fields[$name] : '';
        $this->errorCode = $text('code') ?: ($text('errcode') === '88' ? $text('sub_code') : '') ?: $text('errcode');
        $this->requestId = $text('requestid');
        $detail = $fields['accessdenieddetail'] ?? null;
        $scopes = is_array($detail) ? array_change_key_case($detail)['requiredscopes'] ?? null : null;
        $this->requiredScopes = is_array($scopes) ? $scopes : [];
        parent::__construct($text('message') ?: $text('errmsg') ?: $reason, $status, $cause);
    }
}
