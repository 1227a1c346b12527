-- name: register
SELECT DISTINCT ON (b.capital_asset_no) a.account_no, a.depreciation_account_no, b.acquisition_cost, b.accumulated_depreciation
FROM sync.capital_asset_balance b JOIN sync.capital_asset a USING (company_id, capital_asset_no)
WHERE b.company_id = :company_id ORDER BY b.capital_asset_no, b.year DESC;

-- name: closing_balances
SELECT account.account_no, account.closing FROM sync.proof, jsonb_to_recordset(totals) AS account (account_no integer, closing numeric)
WHERE company_id = :company_id AND data_set = 'account_balances';
