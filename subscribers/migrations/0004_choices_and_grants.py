"""What readers choose at a form, the single-use rights that mails carry, signups and limits."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('subscribers', '0003_similar_papers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('confirm', 'confirm'), ('block', 'block'), ('manage', 'manage'), ('address_old', 'leave an address'), ('address_new', 'take a new address'), ('undo', 'undo')], max_length=12)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LimitCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=24)),
                ('key', models.CharField(max_length=64)),
                ('window_start', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('count', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Signup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('choices', models.JSONField()),
                ('evidence', models.JSONField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='consentevent',
            name='form_version',
            field=models.CharField(blank=True, db_default='', help_text='Hash of the form as it was shown.', max_length=16),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='grant_id',
            field=models.BigIntegerField(blank=True, null=True, verbose_name='grant'),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='language',
            field=models.CharField(blank=True, db_default='', help_text='Of the words.', max_length=8),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='network',
            field=models.CharField(blank=True, db_default='', max_length=43),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='url',
            field=models.CharField(blank=True, db_default='', max_length=200, verbose_name='page'),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='user_agent',
            field=models.CharField(blank=True, db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='interest',
            name='muted',
            field=models.BooleanField(db_default=False, default=False, help_text='Kept, but finds nothing for this reader.'),
        ),
        migrations.AddField(
            model_name='subscriber',
            name='empty_days',
            field=models.CharField(choices=[('nothing', 'no letter'), ('line', 'one line that says so'), ('heartbeat', 'one line a week')], db_default='nothing', default='nothing', max_length=9, verbose_name='when nothing matches'),
        ),
        migrations.AddField(
            model_name='subscriber',
            name='language',
            field=models.CharField(db_default='en', default='en', help_text='Of the letters and of service mail.', max_length=8),
        ),
        migrations.AddField(
            model_name='subscriber',
            name='paused_until',
            field=models.DateField(blank=True, help_text="The reader's local date on which letters resume; empty until they say so.", null=True, verbose_name='paused until'),
        ),
        migrations.AlterField(
            model_name='subscriber',
            name='similar_up_to',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='When fewer papers match, fill the letter up to so many with those most like what the reader saved. 0 is off, 10 the most.', validators=[django.core.validators.MaxValueValidator(10)], verbose_name='fill up with similar papers to'),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='reason',
            field=models.CharField(choices=[('hard_bounce', 'hard bounce'), ('complaint', 'complaint'), ('erased', 'erased'), ('operator', 'by the operator'), ('blocked', 'blocked by its owner')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='subscriber',
            constraint=models.CheckConstraint(condition=models.Q(('empty_days__in', ['nothing', 'line', 'heartbeat'])), name='subscriber_empty_days_known'),
        ),
        migrations.AddConstraint(
            model_name='subscriber',
            constraint=models.CheckConstraint(condition=models.Q(('paused_until__isnull', True), ('status', 'paused'), _connector='OR'), name='subscriber_paused_until_while_paused'),
        ),
        migrations.AddField(
            model_name='grant',
            name='subscriber',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='subscribers.subscriber', verbose_name='reader'),
        ),
        migrations.AddIndex(
            model_name='limitcount',
            index=models.Index(fields=['expires_at'], name='limit_count_over'),
        ),
        migrations.AddConstraint(
            model_name='limitcount',
            constraint=models.UniqueConstraint(fields=('scope', 'key'), name='limit_count_once'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['subscriber', 'purpose'], name='grant_of_reader'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['expires_at'], name='grant_over'),
        ),
    ]
